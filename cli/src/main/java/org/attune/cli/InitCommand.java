package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.SecretArguments;
import org.attune.cli.config.InitialFile;
import org.attune.cli.config.InitialSample;
import org.attune.cli.config.MethodChoice;
import org.attune.cli.config.RunConfigReader;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.files.GivenPath;
import org.attune.model.config.DecoderConfig;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.TrainingMethod;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune init METHOD [key=value …] [--out FILE]`
@Command(
        name = "init",
        description = {
            "Write a run's file to fill in, with what its keys mean.",
            "It needs a model and data; the rest runs as it is."
        })
final class InitCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(InitCommand.class);

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "METHOD",
            description =
                    "A method, as sft or dpo, or sample; attune --help lists them (default: what"
                            + " the rows of datasets=DATA suit).")
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
        InitialFile file = file();
        String text = file.text(all);
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
        List<String> open = file.open();
        console.println(
                "%s written; %sattune preview %s, attune %s %s"
                        .formatted(
                                out,
                                open.isEmpty()
                                        ? "next: "
                                        : "fill in " + String.join(" and ", open) + ", then: ",
                                out,
                                file.command(),
                                out));
        return ExitCodes.DONE;
    }

    private InitialFile file() {
        if (name.contains("=")) {
            values.addFirst(name);
        }
        List<String> given = SecretArguments.without(values);
        if (name.equalsIgnoreCase("sample")) {
            return InitialSample.of(given);
        }
        var reader = new RunConfigReader();
        TrainingMethod<?, ?> method = name.contains("=") ? chosen(reader, given) : method();
        var file = new InitialFile(method, given);
        model(given).ifPresent(file::withModel);
        try {
            reader.rowsFor(method, given, RowSetup::typeOf)
                    .ifPresent(type -> file.withRows(type.key()));
        } catch (DatasetException e) {
            LOG.warn(
                    "whether the rows suit {} can't be seen yet: {}",
                    method.name(),
                    e.getMessage());
        }
        return file;
    }

    /// The configuration of the model that is named, if it is a folder.
    private static Optional<DecoderConfig> model(List<String> given) {
        String key = "model_name_or_path=";
        return given.stream()
                .filter(word -> word.startsWith(key))
                .map(word -> word.substring(key.length()))
                .filter(name -> !name.isBlank())
                .map(GivenPath::of)
                .filter(path -> Files.exists(path.resolve("config.json")))
                .reduce((_, last) -> last)
                .map(DecoderConfig::read);
    }

    /// The method that suits the rows, where none is named.
    private TrainingMethod<?, ?> chosen(RunConfigReader reader, List<String> given) {
        if (given.stream().noneMatch(word -> word.matches("(?s)dataset(s|_name)=.+"))) {
            throw new ParameterException(
                    spec.commandLine(),
                    "which method? Name it, as sft, or rows that say it, as datasets=DATA");
        }
        MethodChoice choice = reader.methodOf(Path.of(""), given, RowSetup::typeOf);
        LOG.info("a file for {}, from {}", choice.method().name(), choice.reason());
        return choice.method();
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
