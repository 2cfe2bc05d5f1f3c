package org.attune.cli;

import org.attune.cli.config.InitialFile;
import org.attune.cli.config.InitialSample;
import org.attune.error.ConfigException;
import org.attune.trainers.opening.TrainingMethod;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/// `attune init METHOD [key=value …] [--out FILE]`
@Command(
        name = "init",
        description = {
            "Write a run's file to fill in, with what its keys mean.",
            "It needs a model and data; the rest runs as it is."
        })
final class InitCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "METHOD",
            description = "A method, as sft or dpo, or sample; attune --help lists them.")
    String name;

    @Parameters(
            index = "1..*",
            paramLabel = "key=value",
            description = "What is known already, such as model_name_or_path=MODEL datasets=DATA.")
    List<String> values = new ArrayList<>();

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FILE",
            description = "Write it there instead of to the output; must not exist.")
    Path out;

    @Option(names = "--all", description = "All other keys too, commented out, at their defaults.")
    boolean all;

    @Override
    public Integer call() {
        String text = file(SecretArguments.without(values)).text(all);
        PrintWriter console = spec.commandLine().getOut();
        if (out == null) {
            console.print(text);
            console.flush();
            return ExitCodes.DONE;
        }
        try {
            Files.writeString(out, text, StandardOpenOption.CREATE_NEW);
        } catch (FileAlreadyExistsException e) {
            throw new ConfigException("--out: " + out + " exists already; name another file", e);
        } catch (IOException e) {
            throw new ConfigException("--out: " + out + " can't be written: " + e, e);
        }
        console.println(
                "%s written; fill in model and data, then: attune preview %s, attune %s %s"
                        .formatted(out, out, name.toLowerCase(Locale.ROOT), out));
        return ExitCodes.DONE;
    }

    private InitialFile file(List<String> given) {
        return name.equalsIgnoreCase("sample")
                ? InitialSample.of(given)
                : new InitialFile(method(), given);
    }

    private TrainingMethod<?, ?> method() {
        try {
            return Main.method(name);
        } catch (TypeConversionException e) {
            throw new ParameterException(
                    spec.commandLine(),
                    "Invalid value for positional parameter at index 0 (METHOD): " + e.getMessage(),
                    e);
        }
    }
}
