package org.attune.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.StoppableWork;
import org.attune.cli.command.UsesEngine;
import org.attune.error.ConfigException;
import org.attune.models.AddressSpace;
import org.attune.tensor.Engine;
import org.slf4j.LoggerFactory;

import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

import java.util.List;

/// Prepares a command: sets the log's level from `--verbose` and `--quiet`, and begins to start the
/// engine.
final class Preparation {
    private Preparation() {}

    static int applyAndRun(ParseResult parsed) {
        for (CommandLine command : parsed.asCommandLineList()) {
            CommonOptions options = options(command);
            if (options != null && (options.verbose || options.quiet)) {
                set(options.quiet ? Level.WARN : Level.DEBUG);
            }
        }
        startEngine(parsed.asCommandLineList());
        CommandLine last = parsed.asCommandLineList().getLast();
        return StoppableWork.run(last, () -> new CommandLine.RunLast().execute(parsed));
    }

    private static void startEngine(List<CommandLine> commands) {
        CommandLine last = commands.getLast();
        if (last.getCommand() instanceof UsesEngine command
                && command.computesHere()
                && !last.isUsageHelpRequested()) {
            try {
                AddressSpace.own().requireEngine();
            } catch (ConfigException e) {
                throw new CommandLine.ExecutionException(last, e.getMessage(), e); // reported
            }
            Engine.startAhead(command.generates());
        }
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
