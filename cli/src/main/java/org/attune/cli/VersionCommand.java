package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.trainers.report.Versions;

import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/// `attune version`
@Command(name = "version", description = "Print the version, and those of what it runs on.")
final class VersionCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Override
    public Integer call() {
        spec.commandLine().getOut().println(Versions.text());
        return ExitCodes.DONE;
    }

    /// Gives the versions for `--version`.
    static final class Provider implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {Versions.text()};
        }
    }
}
