package org.attune.cli.terminal;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The columns of the terminal, asked for anew after its size has changed. Java can't tell them;
/// `stty`, which every Unix has, can.
public final class TerminalWidth implements IntSupplier, AutoCloseable {
    private static final int USUAL = 80;
    private static final int NARROWEST = 20;

    /// Where the JVM hears nothing of a change.
    private static final long PATIENCE_MILLIS = 5000;

    private static final Pattern SIZE = Pattern.compile("\\d+ (\\d+)\\s*");

    private final Supplier<OptionalInt> terminal;
    private final InstantSource clock;
    private final SignalHook hook;
    private volatile boolean changed = true;
    private int columns = USUAL;
    private long askedMillis;

    /// @param terminal asks it
    TerminalWidth(Supplier<OptionalInt> terminal, InstantSource clock) {
        this.terminal = terminal;
        this.clock = clock;
        hook = SignalHook.on("WINCH", this::changed);
    }

    /// The width of this process's terminal.
    public static TerminalWidth ofProcess() {
        return new TerminalWidth(TerminalWidth::ask, InstantSource.system());
    }

    /// The size may be another.
    void changed() {
        changed = true;
    }

    @Override
    public synchronized int getAsInt() {
        boolean old = !hook.isInstalled() && clock.millis() - askedMillis > PATIENCE_MILLIS;
        if (changed || old) {
            changed = false;
            askedMillis = clock.millis();
            columns = Math.max(NARROWEST, terminal.get().orElseGet(TerminalWidth::ofEnvironment));
        }
        return columns;
    }

    private static int ofEnvironment() {
        String given = System.getenv("COLUMNS");
        return given != null && given.matches("[1-9]\\d{0,4}") ? Integer.parseInt(given) : USUAL;
    }

    private static OptionalInt ask() {
        try {
            Process stty =
                    new ProcessBuilder("stty", "size")
                            .redirectInput(new File("/dev/tty"))
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            if (!stty.waitFor(1, TimeUnit.SECONDS)) {
                stty.destroyForcibly();
                return OptionalInt.empty();
            }
            String size =
                    new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            return parse(size);
        } catch (IOException e) {
            return OptionalInt.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return OptionalInt.empty();
        }
    }

    /// What `stty size` says: rows and columns. Terminals that don't know say 0.
    static OptionalInt parse(String size) {
        Matcher matcher = SIZE.matcher(size);
        if (!matcher.matches() || matcher.group(1).length() > 5) {
            return OptionalInt.empty();
        }
        int columns = Integer.parseInt(matcher.group(1));
        return columns == 0 ? OptionalInt.empty() : OptionalInt.of(columns);
    }

    @Override
    public void close() {
        hook.close();
    }
}
