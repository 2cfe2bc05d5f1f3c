package org.attune.cli.bench;

import org.attune.bench.BenchJson;
import org.attune.bench.BenchResult;
import org.attune.bench.BenchText;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune bench table RESULT.json …`
@Command(name = "table", description = "One Markdown table of the headlines of several results.")
final class BenchTableCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "RESULT.json")
    List<Path> files;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        List<BenchResult> results =
                files.stream().map(f -> BenchJson.read(f, BenchResult.class)).toList();
        out.print(BenchText.headlines(results));
        out.flush();
        return ExitCodes.DONE;
    }
}
