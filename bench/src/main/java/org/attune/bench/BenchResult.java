package org.attune.bench;

import org.attune.trainers.report.Machine;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A finished benchmark: what `result.json` holds, and a line of the history.
///
/// @param date in UTC
/// @param commit of the sources, with `+` if they were changed; `unknown` outside of a repository
/// @param command as it was typed
/// @param machine where it ran
/// @param versions of what it ran on
/// @param work what was measured
/// @param model its shape
/// @param attune our figures
/// @param peer the other program's figures
/// @param ceiling products by themselves, of the last repeat
/// @param operators profile of the last repeat; empty without `--profile`
public record BenchResult(
        String date,
        String commit,
        String command,
        Machine machine,
        Map<String, String> versions,
        BenchSpec work,
        ModelShape model,
        Side attune,
        Optional<Side> peer,
        GemmCeiling ceiling,
        List<BenchRun.OperatorCost> operators) {
    /// What was measured of one program.
    ///
    /// @param name of it
    /// @param settings its options
    /// @param medians over the runs
    /// @param runs each run's figures
    public record Side(
            String name,
            List<String> settings,
            Map<String, Double> medians,
            List<Map<String, Double>> runs) {
        /// Makes a side with the medians of its runs.
        public static Side of(String name, List<String> settings, List<Map<String, Double>> runs) {
            return new Side(name, settings, Figures.medians(runs), runs);
        }
    }

    /// How many times better Attune is, by figure: a quotient above 1 is in its favour.
    public Map<String, Double> advantages() {
        Map<String, Double> ratios = new LinkedHashMap<>();
        peer.ifPresent(
                other ->
                        attune.medians()
                                .forEach(
                                        (name, ours) -> {
                                            Double theirs = other.medians().get(name);
                                            if (theirs != null) {
                                                ratios.put(
                                                        name,
                                                        Figures.isCost(name)
                                                                ? theirs / ours
                                                                : ours / theirs);
                                            }
                                        }));
        return ratios;
    }
}
