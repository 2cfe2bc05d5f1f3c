package org.attune.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;

class RunScreenTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final AtomicInteger columns = new AtomicInteger(40);
    private final PrintStream stream = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    private final RunScreen screen =
            new RunScreen(
                    new PrintWriter(stream, true, StandardCharsets.UTF_8), true, columns::get);

    private String shown() {
        return TerminalScreen.of(40).show(bytes.toString(StandardCharsets.UTF_8));
    }

    @Test
    void liveLineIsBelowWhatStays() {
        screen.live(_ -> "working");
        screen.line("first");
        screen.line("second");
        assertEquals("first\nsecond\nworking\n", shown());
        screen.settle();
        assertEquals("first\nsecond\n\n", shown());
    }

    @Test
    void linesOfOthersGoAboveTheLiveLine() {
        screen.live(_ -> "working on something rather long");
        PrintStream err = screen.around(stream);
        err.println("12:00:00 WARN short");
        err.print("half");
        assertEquals("12:00:00 WARN short\nhalf\n", shown(), "nothing is drawn behind half a line");
        screen.refresh();
        err.println(" and half");
        assertEquals(
                "12:00:00 WARN short\nhalf and half\nworking on something rather long\n", shown());
    }

    @Test
    void liveLineNeverFillsTheTerminal() {
        screen.live(_ -> "x".repeat(100));
        assertEquals("x".repeat(38) + "…\n", shown());
        screen.live(_ -> "排序".repeat(50));
        String wide = bytes.toString(StandardCharsets.UTF_8);
        String last = wide.substring(wide.lastIndexOf("\r", wide.length() - 2) + 1);
        assertTrue(VisibleText.width(last.replaceAll("\u001b(?s).*", "")) <= 39, last);
    }

    @Test
    void widthIsAskedForEachTime() {
        screen.live(n -> "columns " + n);
        columns.set(30);
        screen.refresh();
        assertEquals("columns 29\n", shown());
    }

    @Test
    void pipeGetsNoLiveLineAndNoControlCharacters() {
        var pipe =
                new RunScreen(
                        new PrintWriter(stream, true, StandardCharsets.UTF_8), false, () -> 120);
        pipe.live(_ -> "working");
        pipe.line("stays");
        pipe.refresh();
        pipe.close();
        assertEquals("stays\n", bytes.toString(StandardCharsets.UTF_8).replace("\r\n", "\n"));
    }

    @Test
    void widthIsAskedAgainAfterAChange() {
        var terminal = new AtomicInteger(80);
        try (var width =
                new TerminalWidth(
                        () -> OptionalInt.of(terminal.get()), () -> Instant.ofEpochMilli(0))) {
            assertEquals(80, width.getAsInt());
            terminal.set(100);
            assertEquals(80, width.getAsInt());
            width.changed();
            assertEquals(100, width.getAsInt());
            terminal.set(3);
            width.changed();
            assertEquals(20, width.getAsInt(), "narrower ones are not laid out for");
        }
    }

    @Test
    void sizeOfTheTerminal() {
        assertEquals(OptionalInt.of(120), TerminalWidth.parse("24 120\n"));
        assertEquals(OptionalInt.empty(), TerminalWidth.parse("0 0\n"));
        assertEquals(OptionalInt.empty(), TerminalWidth.parse("stty: no terminal"));
        assertEquals(OptionalInt.empty(), TerminalWidth.parse("24 99999999999"));
    }

    @Test
    void signalsAreHeard() throws Exception {
        var heard = new AtomicInteger();
        try (var hook = SignalHook.on("WINCH", heard::incrementAndGet)) {
            if (!hook.isInstalled()) {
                return; // a JVM without it
            }
            long pid = ProcessHandle.current().pid();
            new ProcessBuilder("kill", "-WINCH", String.valueOf(pid)).start().waitFor();
            for (int i = 0; heard.get() == 0 && i < 600; i++) {
                Thread.sleep(50);
            }
            assertTrue(heard.get() > 0);
        }
        assertFalse(SignalHook.on("NOSUCH", () -> {}).isInstalled());
    }
}
