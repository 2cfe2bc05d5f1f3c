package org.attune.tensor;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Counts calls and wall time of native operators by phase, while it is switched on. On the engine
/// thread.
/// ```
/// OperatorTimes.start();
/// …
/// OperatorTimes.stop().forEach(line -> …);
/// ```
public final class OperatorTimes {
    private static Map<Key, Line> lines; // null while switched off
    private static String phase = "";

    private record Key(String phase, String operator) {}

    /// One operator in one phase.
    ///
    /// @param phase as last said to [#phase]
    /// @param operator ATen's name, or a kernel's of Attune
    /// @param calls number of calls
    /// @param seconds their wall time
    public record Line(String phase, String operator, long calls, double seconds) {
        private Line and(double more) {
            return new Line(phase, operator, calls + 1, seconds + more);
        }
    }

    private OperatorTimes() {}

    /// Begins to count, from nothing.
    public static void start() {
        Engine.requireEngineThread();
        lines = new HashMap<>();
    }

    /// Says to which phase the operators from now on belong.
    public static void phase(String name) {
        phase = name;
    }

    /// Ends counting.
    ///
    /// @return what was counted, the longest first; none if it wasn't started
    public static List<Line> stop() {
        Engine.requireEngineThread();
        Map<Key, Line> counted = lines == null ? Map.of() : lines;
        lines = null;
        return counted.values().stream()
                .sorted(Comparator.comparingDouble(Line::seconds).reversed())
                .toList();
    }

    /// Time at which an operator begins; 0 while nothing is counted.
    static long begin() {
        return lines == null ? 0 : System.nanoTime();
    }

    /// Counts a call that [#begin] began.
    static void end(String operator, long begun) {
        if (lines != null && begun != 0) {
            double seconds = (System.nanoTime() - begun) / 1e9;
            lines.merge(
                    new Key(phase, operator),
                    new Line(phase, operator, 1, seconds),
                    (line, _) -> line.and(seconds));
        }
    }
}
