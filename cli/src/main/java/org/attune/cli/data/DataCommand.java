package org.attune.cli.data;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/// `attune data inspect|convert|dedup|split`
@Command(
        name = "data",
        description = {
            "Inspect, convert, deduplicate and divide files of rows.",
            "Files are read as those of datasets; what is written is there whole or not at all."
        },
        subcommands = {
            InspectCommand.class,
            ConvertCommand.class,
            DedupCommand.class,
            SplitCommand.class
        })
public final class DataCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Override
    public Integer call() {
        CommandLine command = spec.commandLine();
        command.usage(command.getErr());
        return ExitCodes.USAGE;
    }
}
