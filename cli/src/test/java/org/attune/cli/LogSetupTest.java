package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;

import picocli.CommandLine;

import java.io.PrintWriter;
import java.io.StringWriter;

final class LogSetupTest {
    /// To the clipboard (OSC 52), the screen cleared, the direction of reading turned.
    private static final String HOSTILE = "a\u001b]52;c;Y2F0\u0007b\u001b[2Jc\u202ed\re";

    private static final String SHOWN = "a\\u001b]52;c;Y2F0\\u0007b\\u001b[2Jc\\u202ed\\re";

    @Test
    void wordsOfAProgramCommandNoTerminal() {
        var context = new LoggerContext();
        var layout = new LogSetup.VisibleLayout();
        layout.setContext(context);
        layout.setPattern("%-5level %msg%n");
        layout.start();
        var event =
                new LoggingEvent(
                        "",
                        context.getLogger("org.attune"),
                        Level.WARN,
                        HOSTILE + "\n\tnext line",
                        null,
                        null);
        assertEquals("WARN  " + SHOWN + "\n\tnext line\n", layout.doLayout(event));
    }

    @Test
    void neitherDoErrorsThatQuoteThem() {
        var err = new StringWriter();
        var command = new CommandLine(new AttuneCommand()).setErr(new PrintWriter(err));
        new FailureReport().handleExecutionException(new ConfigException(HOSTILE), command, null);
        assertTrue(err.toString().contains(SHOWN), err.toString());
    }
}
