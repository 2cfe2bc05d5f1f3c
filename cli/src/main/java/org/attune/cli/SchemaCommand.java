package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.config.MethodSchema;
import org.attune.trainers.opening.TrainingMethod;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.concurrent.Callable;

/// `attune schema METHOD`
@Command(
        name = "schema",
        description = {
            "Print the JSON Schema of a method's run file, for editors.",
            "First line of the file: # yaml-language-server: $schema=dpo.schema.json"
        })
final class SchemaCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(paramLabel = "METHOD", description = "As sft or dpo.")
    TrainingMethod<?, ?> method;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        out.print(MethodSchema.of(method));
        out.flush();
        return ExitCodes.DONE;
    }
}
