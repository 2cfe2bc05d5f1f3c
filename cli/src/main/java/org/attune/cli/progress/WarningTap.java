package org.attune.cli.progress;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;

import org.attune.error.Secrets;
import org.attune.trainers.report.WarningsFile;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.Optional;

/// Notes a run's warnings beside their way to the terminal.
///
/// @param file takes them
/// @param tap to be closed; empty where another backend logs, whose warnings aren't noted
public record WarningTap(WarningsFile file, Optional<Runnable> tap) implements AutoCloseable {
    /// @param outputDir the run's folder
    public static WarningTap open(Path outputDir) {
        var file = new WarningsFile(outputDir);
        if (!(LoggerFactory.getILoggerFactory() instanceof LoggerContext context)) {
            return new WarningTap(file, Optional.empty());
        }
        var appender =
                new AppenderBase<ILoggingEvent>() {
                    @Override
                    protected void append(ILoggingEvent event) {
                        if (event.getLevel().isGreaterOrEqual(Level.WARN)) {
                            file.add(
                                    new WarningsFile.Warning(
                                            event.getInstant(),
                                            event.getLevel().toString(),
                                            Secrets.masked(event.getFormattedMessage())));
                        }
                    }
                };
        appender.setContext(context);
        appender.setName("warnings");
        appender.start();
        Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.addAppender(appender);
        return new WarningTap(
                file,
                Optional.of(
                        () -> {
                            root.detachAppender(appender);
                            appender.stop();
                        }));
    }

    @Override
    public void close() {
        tap.ifPresent(Runnable::run);
    }
}
