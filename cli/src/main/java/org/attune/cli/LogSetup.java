package org.attune.cli;

import ch.qos.logback.classic.ClassicConstants;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ConfiguratorRank;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.spi.ContextAwareBase;

import org.attune.cli.terminal.RankStreams;
import org.attune.cli.terminal.VisibleText;
import org.attune.error.Secrets;

import java.nio.charset.StandardCharsets;

/// Quiet by default: Attune's own messages, and warnings of the libraries, on standard error. Code
/// instead of a file of logback's, whose reading took a tenth of a second of each start. A file
/// that the user names with `-Dlogback.configurationFile` takes its place.
///
/// Messages quote programs, servers and models, whose words may hold commands for a terminal.
@ConfiguratorRank(ConfiguratorRank.CUSTOM_TOP_PRIORITY)
public final class LogSetup extends ContextAwareBase implements Configurator {
    @Override
    public ExecutionStatus configure(LoggerContext context) {
        if (System.getProperty(ClassicConstants.CONFIG_FILE_PROPERTY) != null) {
            return ExecutionStatus.INVOKE_NEXT_IF_ANY;
        }
        var layout = new VisibleLayout();
        layout.setContext(context);
        layout.setPattern("%d{HH:mm:ss} %-5level %msg%n");
        layout.start();
        var encoder = new LayoutWrappingEncoder<ILoggingEvent>();
        encoder.setContext(context);
        encoder.setCharset(StandardCharsets.UTF_8);
        encoder.setLayout(layout);
        encoder.start();
        var console = new ConsoleAppender<ILoggingEvent>();
        console.setContext(context);
        console.setName("console");
        console.setTarget("System.err");
        console.setEncoder(encoder);
        console.start();
        Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.WARN);
        root.addAppender(console);
        boolean follows = RankStreams.follower(System.getenv()).isPresent();
        context.getLogger("org.attune").setLevel(follows ? Level.WARN : Level.INFO);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /// Control and formatting characters as escapes, but for line feeds and tabs; no secrets.
    static final class VisibleLayout extends PatternLayout {
        @Override
        public String doLayout(ILoggingEvent event) {
            return VisibleText.ofLines(Secrets.masked(super.doLayout(event)));
        }
    }
}
