package org.attune.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where a run tells how it goes: lines that stay and, on a terminal, one at the bottom that is
/// written over.
final class RunScreen {
    private static final int PIPE_WIDTH = 120;
    private static final int USUAL_WIDTH = 80;
    private static final int NARROWEST = 40;
    private static final Pattern SIZE = Pattern.compile("\\d+ (\\d+)\\s*");

    private final PrintWriter out;
    private final boolean terminal;
    private final int width;
    private boolean lineOpen;

    /// @param terminal whether `out` is one that understands carriage returns and colours
    /// @param width columns of a line
    RunScreen(PrintWriter out, boolean terminal, int width) {
        this.out = out;
        this.terminal = terminal;
        this.width = width;
    }

    /// On this process's output.
    static RunScreen of(PrintWriter out) {
        boolean terminal = isTerminal();
        return new RunScreen(out, terminal, terminal ? terminalWidth() : PIPE_WIDTH);
    }

    static boolean isTerminal() {
        return System.console() != null
                && System.console().isTerminal()
                && !"dumb".equals(System.getenv("TERM"));
    }

    /// Java can't tell it; `stty`, which every Unix has, asks the terminal that is its input.
    private static int terminalWidth() {
        try {
            Process stty =
                    new ProcessBuilder("stty", "size")
                            .redirectInput(ProcessBuilder.Redirect.INHERIT)
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            if (!stty.waitFor(1, TimeUnit.SECONDS)) {
                stty.destroyForcibly();
                return USUAL_WIDTH;
            }
            String size =
                    new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            Matcher matcher = SIZE.matcher(size);
            return matcher.matches()
                    ? Math.max(NARROWEST, Integer.parseInt(matcher.group(1)))
                    : USUAL_WIDTH;
        } catch (IOException e) {
            return USUAL_WIDTH;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return USUAL_WIDTH;
        }
    }

    /// A line that the next one may replace.
    void passing(String text) {
        if (terminal) {
            out.print("\r\u001b[K" + text);
            out.flush();
            lineOpen = true;
        } else {
            line(text);
        }
    }

    /// A line that stays.
    void line(String text) {
        if (lineOpen) {
            out.println();
            lineOpen = false;
        }
        out.println(text);
        out.flush();
    }

    /// A table, in colours on a terminal unless the environment has `NO_COLOR`.
    void table(TextTable table) {
        boolean colours = terminal && System.getenv("NO_COLOR") == null;
        List<String> lines = table.lines(width, colours);
        lines.forEach(this::line);
    }
}
