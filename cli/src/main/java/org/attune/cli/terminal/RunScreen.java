package org.attune.cli.terminal;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.function.IntSupplier;

/// Where a command tells how it goes: lines that stay and, on a terminal, one below them that says
/// what is going on. That one is never wider than the terminal, is taken away before anything else
/// is written, and is there again afterwards. From any thread.
public final class RunScreen implements AutoCloseable {
    private static final int PIPE_WIDTH = 120;
    private static final long TICK_MILLIS = 500;

    /// The cursor waits at the line's beginning, so that this takes the line away even where the
    /// terminal was made narrower and has broken it.
    private static final String ERASE = "\r\u001b[J";

    private final PrintWriter out;
    private final boolean terminal;
    private final IntSupplier width;
    private Runnable end = () -> {};
    private Optional<IntFunction<String>> live = Optional.empty();
    private boolean drawn;
    private boolean unfinished;

    /// @param terminal whether `out` is one that understands cursor movements and colours
    /// @param width columns of a line
    public RunScreen(PrintWriter out, boolean terminal, IntSupplier width) {
        this.out = out;
        this.terminal = terminal;
        this.width = width;
    }

    /// Opens a screen on this process's output, whose streams it takes over until it is closed.
    public static RunScreen open(PrintWriter out) {
        if (!isTerminal()) {
            return new RunScreen(out, false, () -> PIPE_WIDTH);
        }
        TerminalWidth width = TerminalWidth.ofProcess();
        var screen = new RunScreen(out, true, width);
        PrintStream plainOut = System.out;
        PrintStream plainErr = System.err;
        System.setOut(screen.around(plainOut));
        System.setErr(screen.around(plainErr));
        ScheduledExecutorService ticks =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("attune-screen").factory());
        ScheduledFuture<?> ticking =
                ticks.scheduleAtFixedRate(
                        screen::refresh, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
        screen.end =
                () -> {
                    ticking.cancel(false);
                    ticks.shutdown();
                    System.setOut(plainOut);
                    System.setErr(plainErr);
                    width.close();
                };
        return screen;
    }

    /// Whether lines may be written over.
    public static boolean isTerminal() {
        if ("dumb".equals(System.getenv("TERM")) || RankStreams.isRank(System.getenv())) {
            return false; // a launcher gives its ranks terminals
        }
        if (System.console() != null && System.console().isTerminal()) {
            return true;
        }
        // Java's answer is no where the input isn't a terminal; Linux tells of the output alone.
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    public boolean onTerminal() {
        return terminal;
    }

    /// Columns that a line should have at most.
    public int columns() {
        return width.getAsInt() - (terminal ? 1 : 0); // some terminals break a line that fills them
    }

    /// Shows a line below all others from now on; nothing where the output is no terminal.
    ///
    /// @param text for a number of columns; called often, on any thread, and must not print
    public synchronized void live(IntFunction<String> text) {
        if (terminal) {
            live = Optional.of(text);
            refresh();
        }
    }

    /// Takes the live line away.
    public synchronized void settle() {
        erase();
        live = Optional.empty();
    }

    /// Draws the live line anew.
    synchronized void refresh() {
        if (live.isEmpty() || unfinished) {
            return;
        }
        int columns = columns();
        String text = VisibleText.fit(live.get().apply(columns), columns);
        out.print("\r" + text + "\u001b[J\r");
        out.flush();
        drawn = true;
    }

    private void erase() {
        if (drawn) {
            out.print(ERASE);
            out.flush();
            drawn = false;
        }
    }

    /// A line that stays.
    public synchronized void line(String text) {
        erase();
        out.println(text);
        out.flush();
        unfinished = false;
        refresh();
    }

    /// A table, in colours on a terminal unless the environment has `NO_COLOR`.
    public synchronized void table(TextTable table) {
        boolean colours = terminal && System.getenv("NO_COLOR") == null;
        erase();
        table.lines(width.getAsInt(), colours).forEach(out::println);
        out.flush();
        refresh();
    }

    /// A stream to the same terminal whose text goes above the live line.
    PrintStream around(PrintStream stream) {
        return new PrintStream(new Above(stream), true, StandardCharsets.UTF_8);
    }

    private synchronized void above(PrintStream stream, byte[] bytes, int from, int length) {
        if (length == 0) {
            return;
        }
        erase();
        stream.write(bytes, from, length);
        stream.flush();
        unfinished = bytes[from + length - 1] != '\n';
        refresh();
    }

    @Override
    public void close() {
        settle();
        end.run();
    }

    private final class Above extends OutputStream {
        private final PrintStream stream;

        Above(PrintStream stream) {
            this.stream = stream;
        }

        @Override
        public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int length) {
            above(stream, bytes, from, length);
        }
    }
}
