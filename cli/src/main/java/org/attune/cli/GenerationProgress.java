package org.attune.cli;

import java.io.PrintWriter;
import java.time.InstantSource;
import java.util.Locale;

/// Says how far a file of prompts is: a line that is written over on a terminal, a line now and
/// then in a pipe.
final class GenerationProgress {
    private static final long TERMINAL_MILLIS = 500;
    private static final long PIPE_MILLIS = 10_000;

    private final PrintWriter out;
    private final boolean terminal;
    private final InstantSource clock;
    private int total;
    private int done;
    private long tokens;
    private long startMillis;
    private long shownMillis;

    GenerationProgress(PrintWriter out, boolean terminal, InstantSource clock) {
        this.out = out;
        this.terminal = terminal;
        this.clock = clock;
    }

    /// @param before prompts that were completed by an earlier process
    /// @param prompts all
    void start(int before, int prompts) {
        done = before;
        total = prompts;
        startMillis = clock.millis();
        shownMillis = startMillis;
        if (before > 0) {
            out.println("%d of %d prompts were completed before".formatted(before, prompts));
            out.flush();
        }
    }

    /// A token was sampled.
    void token() {
        tokens++;
        long now = clock.millis();
        if (now - shownMillis >= (terminal ? TERMINAL_MILLIS : PIPE_MILLIS)) {
            shownMillis = now;
            show();
        }
    }

    /// A prompt's line was written.
    void prompt() {
        done++;
    }

    void end() {
        show();
        if (terminal) {
            out.println();
        }
        out.flush();
    }

    private void show() {
        long millis = Math.max(1, clock.millis() - startMillis);
        String text =
                String.format(
                        Locale.ROOT,
                        "%d/%d prompts, %,d tokens, %.0f tokens/s",
                        done,
                        total,
                        tokens,
                        1000.0 * tokens / millis);
        if (terminal) {
            out.print("\r" + text + "\u001b[K");
        } else {
            out.println(text);
        }
        out.flush();
    }
}
