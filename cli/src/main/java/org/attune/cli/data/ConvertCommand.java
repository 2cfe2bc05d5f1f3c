package org.attune.cli.data;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.nio.file.Path;
import java.util.concurrent.Callable;

/// `attune data convert FILE… --out FILE`
@Command(
        name = "convert",
        description = {
            "Write rows in another format: .jsonl, .json, .csv, .tsv, each also with .gz, or"
                    + " .parquet.",
            "Several files become one. In CSV, lists and objects are written as JSON."
        })
final class ConvertCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Mixin GivenFiles given;
    @Spec CommandSpec spec;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE",
            description = "The file to write; its ending says the format.")
    Path out;

    @Override
    public Integer call() {
        GivenFiles.requireNew(out);
        RowWriter.of(out);
        long[] rows = new long[1];
        RowWriter.write(
                out,
                to -> {
                    rows[0] = 0;
                    given.forEach(
                            row -> {
                                rows[0]++;
                                to.accept(row);
                            });
                });
        spec.commandLine().getOut().println("%s: %d rows".formatted(out, rows[0]));
        spec.commandLine().getOut().flush();
        return ExitCodes.DONE;
    }
}
