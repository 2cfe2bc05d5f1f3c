package org.attune.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;

import org.slf4j.LoggerFactory;

import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/// Sets the log's level from `--verbose` and `--quiet` before a command runs.
final class LogLevels {
    private LogLevels() {}

    static int applyAndRun(ParseResult parsed) {
        for (CommandLine command : parsed.asCommandLineList()) {
            CommonOptions options = options(command);
            if (options != null && (options.verbose || options.quiet)) {
                set(options.quiet ? Level.WARN : Level.DEBUG);
            }
        }
        return new CommandLine.RunLast().execute(parsed);
    }

    static CommonOptions options(CommandLine command) {
        return command.getMixins().get("common") instanceof CommonOptions options ? options : null;
    }

    private static void set(Level level) {
        if (LoggerFactory.getLogger("org.attune") instanceof Logger logger) {
            logger.setLevel(level);
        }
    }
}
