package org.attune.cli.serve;

import org.attune.cli.command.AddressOptions;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.OwnProgram;
import org.attune.cli.command.StorageOption;
import org.attune.cli.command.UsesEngine;
import org.attune.error.ConfigException;
import org.attune.files.GivenText;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.serve.HttpDoor;
import org.attune.serve.ModelServer;
import org.attune.serve.ServeConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune serve MODEL [--adapter NAME=FOLDER …]`
@Command(
        name = "serve",
        description = {
            "Answer OpenAI's clients over HTTP.",
            "Listens at this machine alone unless --host says otherwise, which needs a key:"
                    + " ATTUNE_API_KEY, or a line of --api-key-file."
        })
public final class ServeCommand implements Callable<Integer>, UsesEngine {
    private static final String KEY_VARIABLE = "ATTUNE_API_KEY";

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(
            paramLabel = "MODEL",
            description = "Folder in Hugging Face layout, .gguf file, or name on the Hub.")
    String model;

    @Option(
            names = {"-a", "--adapter"},
            paramLabel = "NAME=FOLDER",
            description = "A PEFT folder, and what requests call it. May be repeated.")
    Map<String, String> adapters = new LinkedHashMap<>();

    @Option(
            names = "--adapter-folder",
            paramLabel = "FOLDER",
            description = "Requests may load adapters that are in it (/v1/load_lora_adapter).")
    Path adapterFolder;

    @Option(
            names = "--fine-tuning",
            paramLabel = "FOLDER",
            description =
                    "Requests may train adapters (/v1/fine_tuning/jobs), which are kept in this"
                            + " folder and served.")
    Path fineTuning;

    @Option(
            names = "--tinker",
            paramLabel = "FOLDER",
            description =
                    "Tinker's clients may train adapters step by step (/api/v1/forward_backward and"
                            + " so on), whose checkpoints are kept in this folder.")
    Path tinker;

    @Option(
            names = "--tinker-adapters",
            paramLabel = "NUMBER",
            defaultValue = "8",
            description = "Most adapters that are trained at a time (default: ${DEFAULT-VALUE}).")
    int tinkerAdapters;

    @Option(
            names = "--tinker-idle",
            paramLabel = "MINUTES",
            defaultValue = "10",
            description =
                    "A client's session ends when it wasn't used for so long (default:"
                            + " ${DEFAULT-VALUE}).")
    int tinkerIdle;

    @Option(
            names = "--feedback",
            paramLabel = "STORE",
            description =
                    "Keep answers and their judgements (/v1/feedback) in this file or"
                            + " PostgreSQL database (postgresql://HOST/NAME), and serve what"
                            + " attune learn lets in.")
    String feedback;

    @Option(
            names = "--redact",
            paramLabel = "FILE",
            description =
                    "Replace what these regular expressions find before --feedback keeps a text."
                            + " One in each line: PATTERN, or PATTERN => TEXT.")
    Path redact;

    @Option(
            names = "--split",
            paramLabel = "NAME=SHARE",
            description =
                    "Have an adapter answer this share of the model's users. May be repeated.")
    Map<String, Double> splits = new LinkedHashMap<>();

    @Option(
            names = "--served-model-name",
            paramLabel = "NAME",
            description = "What requests call the model (default: the last part of its path).")
    String name;

    @Mixin AddressOptions address;

    @Option(
            names = "--port",
            defaultValue = "8000",
            description = "0 takes a free one (default: ${DEFAULT-VALUE}).")
    int port;

    @Option(
            names = "--api-key-file",
            paramLabel = "FILE",
            description = "Keys, a line each; requests must have one.")
    Path keyFile;

    @Option(
            names = "--allow-origin",
            paramLabel = "URL",
            description = "A web page that may ask, https://example.org for one.")
    List<String> origins = List.of();

    @Option(
            names = "--max-num-seqs",
            defaultValue = "16",
            description = "Most answers that are generated at once (default: ${DEFAULT-VALUE}).")
    int sequences;

    @Option(
            names = "--max-model-len",
            paramLabel = "TOKENS",
            description =
                    "Most tokens of prompt and answer (default: what the model was made for, "
                            + ServeConfig.DEFAULT_LENGTH
                            + " at most).")
    Integer length;

    @Option(
            names = "--device",
            defaultValue = "auto",
            description = "auto, cpu, cuda or cuda:N (default: ${DEFAULT-VALUE}).")
    String device;

    @Option(names = "--dtype", defaultValue = "auto", description = "auto, float32 or bfloat16.")
    DtypeChoice dtype;

    @Mixin StorageOption storage;

    @Option(
            names = "--chat-template",
            paramLabel = "TEMPLATE",
            description = "Jinja file, or folder with a chat template, instead of the model's.")
    String template;

    @Override
    public boolean generates() {
        return true;
    }

    @Override
    public String afterStop() {
        return "requests are answered no more";
    }

    @Override
    public Integer call() {
        try (var server = open()) {
            spec.commandLine().getOut().println("listening at " + server.url());
            return UsesEngine.untilStopped();
        }
    }

    private ModelServer open() {
        if (tinker != null) {
            if (fineTuning != null) {
                throw new ConfigException("--tinker and --fine-tuning: accepted is one of them");
            }
            var limits = new TinkerDesk.Limits(tinkerAdapters, Duration.ofMinutes(tinkerIdle));
            return HttpDoor.open(config(), served -> TinkerDesk.open(served, tinker, limits));
        }
        return fineTuning == null
                ? ModelServer.open(config())
                : ModelServer.openToTrain(
                        config(),
                        fineTuning,
                        (method, file) -> OwnProgram.words(List.of(method, file.toString())));
    }

    private ServeConfig config() {
        ModelConfig base =
                ModelConfig.of(model)
                        .withDevice(device)
                        .withDtype(dtype)
                        .withQuantization(storage.quantization);
        ServeConfig config =
                ServeConfig.of(template == null ? base : base.withChatTemplatePath(template))
                        .withAdapters(adapters)
                        .withSplits(splits)
                        .withHost(address.host)
                        .withPort(port)
                        .withKeys(keys())
                        .withAllowedHosts(address.hosts)
                        .withAllowedOrigins(origins)
                        .withMaxNumSeqs(sequences);
        config = adapterFolder == null ? config : config.withAdapterFolder(adapterFolder);
        config = feedback == null ? config : config.withFeedback(feedback);
        config = redact == null ? config : config.withRedaction(patterns());
        config = name == null ? config : config.withName(name);
        return length == null ? config : config.withMaxModelLen(length);
    }

    private Patterns patterns() {
        if (feedback == null) {
            throw new ConfigException(
                    "--redact is for what --feedback STORE keeps, and nothing is kept");
        }
        return Patterns.read(redact);
    }

    private List<String> keys() {
        List<String> keys = new ArrayList<>();
        Optional.ofNullable(System.getenv(KEY_VARIABLE)).ifPresent(keys::add);
        if (keyFile != null) {
            try {
                GivenText.read(keyFile)
                        .lines()
                        .map(String::strip)
                        .filter(line -> !line.isEmpty())
                        .forEach(keys::add);
            } catch (IOException e) {
                throw new ConfigException(
                        "--api-key-file: %s cannot be read: %s".formatted(keyFile, e.getMessage()),
                        e);
            }
        }
        return keys;
    }
}
