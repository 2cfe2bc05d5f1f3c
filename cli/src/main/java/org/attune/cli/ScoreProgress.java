package org.attune.cli;

import org.attune.datasets.ScoringPreparation.Scored;

import java.io.PrintWriter;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;

/// Says now and then how many rows are scored.
final class ScoreProgress {
    private static final long MILLIS = 10_000;

    private final PrintWriter out;
    private final InstantSource clock;
    private final long[] tokensUpTo;
    private final long startMillis;
    private long shownMillis;

    /// @param rows all, in order
    ScoreProgress(PrintWriter out, InstantSource clock, List<List<Scored>> rows) {
        this.out = out;
        this.clock = clock;
        tokensUpTo = new long[rows.size() + 1];
        for (int i = 0; i < rows.size(); i++) {
            tokensUpTo[i + 1] =
                    tokensUpTo[i] + rows.get(i).stream().mapToLong(s -> s.ids().length).sum();
        }
        startMillis = clock.millis();
        shownMillis = startMillis;
    }

    /// @param done rows so far
    void rows(long done) {
        long now = clock.millis();
        if (now - shownMillis < MILLIS && done < tokensUpTo.length - 1) {
            return;
        }
        shownMillis = now;
        long tokens = tokensUpTo[Math.toIntExact(done)];
        out.println(
                String.format(
                        Locale.ROOT,
                        "%,d/%,d rows, %,d tokens, %,.0f tokens/s",
                        done,
                        tokensUpTo.length - 1,
                        tokens,
                        1000.0 * tokens / Math.max(1, now - startMillis)));
        out.flush();
    }
}
