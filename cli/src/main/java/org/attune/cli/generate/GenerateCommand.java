package org.attune.cli.generate;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.GivenPictures;
import org.attune.cli.command.ModelOptions;
import org.attune.cli.command.SamplingArguments;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.progress.CountedProgress;
import org.attune.cli.terminal.RunScreen;
import org.attune.error.ConfigException;
import org.attune.files.ContinuedFile;
import org.attune.images.Picture;
import org.attune.models.DtypeChoice;
import org.attune.models.LoadedModel;
import org.attune.models.ModelSetup;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.Engine;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TextAssets;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/// `attune generate --model MODEL [--adapter ADAPTER] (PROMPT | --prompts FILE --out FILE)`
@Command(
        name = "generate",
        description = {
            "Generate the answer to a prompt, or to all prompts of a file.",
            "A file that was interrupted is continued by the same command."
        })
public final class GenerateCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Mixin SamplingArguments sampling;
    @Spec CommandSpec spec;

    @Option(names = "--system", description = "System message.")
    String system;

    @Option(names = "--raw", description = "Continue the text as it is, without a chat template.")
    boolean raw;

    @Option(
            names = "--image",
            paramLabel = "FILE",
            description = "A picture before the prompt, for models that see; may be repeated.")
    List<Path> images = List.of();

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description =
                    "Rows with a prompt (text or messages) or messages, or lines of a .txt file.")
    Path prompts;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description =
                    "JSON lines to write: the row's columns with completion, finish_reason and"
                            + " numbers of tokens.")
    Path out;

    @Option(
            names = "--n",
            paramLabel = "COUNT",
            description = "Completions of each prompt of the file (default: 1).")
    Integer generations;

    @Option(names = "--logprobs", description = "Write tokens and log-probabilities, too.")
    boolean logProbs;

    @Option(names = "--dtype", defaultValue = "auto", description = "auto, float32 or bfloat16.")
    DtypeChoice dtype;

    @Parameters(arity = "0..1", description = "The prompt; without one it is read from the input.")
    String prompt;

    @Override
    public boolean generates() {
        return true;
    }

    @Override
    public Integer call() {
        PrintWriter shown = spec.commandLine().getOut();
        if (prompts == null) {
            requireNoFile();
            String given = prompt == null ? input() : prompt;
            Engine.run(() -> generate(given, shown));
            return ExitCodes.DONE;
        }
        if (out == null || prompt != null || !images.isEmpty()) {
            throw new ConfigException(
                    "--prompts needs --out FILE, and no prompt and no --image beside it: its rows"
                            + " name their pictures");
        }
        if (generations != null && generations < 1) {
            throw new ConfigException("--n is " + generations + "; accepted: at least 1");
        }
        Engine.run(() -> generateAll(shown));
        return ExitCodes.DONE;
    }

    @Override
    public String afterStop() {
        if (prompts == null) {
            return "the completion is cut off";
        }
        return out + " has what was completed; the same command goes on";
    }

    private void requireNoFile() {
        if (out != null || generations != null || logProbs) {
            throw new ConfigException("--out, --n and --logprobs need --prompts FILE");
        }
    }

    private void generateAll(PrintWriter shown) {
        try (var screen = RunScreen.open(shown)) {
            var progress = new CountedProgress(screen, InstantSource.system(), "prompts", true);
            progress.loading(model.model);
            generateAll(progress);
        }
    }

    private void generateAll(CountedProgress progress) {
        try (var loaded = LoadedModel.openToGenerate(model.config(dtype))) {
            int count = generations == null ? 1 : generations;
            SamplingConfig config = sampling.config(loaded.setup());
            if (count > 1 && config.distribution().temperature() == 0) {
                throw new ConfigException(
                        "--n is %d; accepted: 1, or more with a --temperature above 0"
                                .formatted(count));
            }
            PromptFile read = PromptFile.read(prompts, system, raw, loaded.setup().text());
            var generation = new BatchGeneration(loaded.completer(), config, count, logProbs);
            try (var file =
                    ContinuedFile.open(
                            "--out",
                            out,
                            settings(loaded.setup(), config, read),
                            read.rows().size())) {
                generation.run(read, file, progress);
            }
        }
    }

    /// All that the lines depend on.
    private Map<String, String> settings(ModelSetup setup, SamplingConfig config, PromptFile read) {
        Map<String, String> settings = new TreeMap<>();
        settings.put("model (fingerprint)", setup.fingerprint());
        settings.put("dtype", setup.dtype().toString());
        settings.put("device", setup.device().toString());
        settings.put("prompts", String.valueOf(read.rows().size()));
        settings.put("prompts (hash)", read.fingerprint());
        settings.put("n", String.valueOf(generations == null ? 1 : generations));
        settings.put("logprobs", String.valueOf(logProbs));
        settings.put("distribution", config.distribution().toString());
        settings.put("max_new_tokens", String.valueOf(config.maxNewTokens()));
        settings.put("stop_ids", config.stopIds().stream().sorted().toList().toString());
        settings.put("stop", config.stopStrings().toString());
        settings.put("seed", String.valueOf(config.seed()));
        return settings;
    }

    private void generate(String given, PrintWriter shown) {
        try (var loaded = LoadedModel.openToGenerate(model.config(dtype))) {
            SamplingConfig config = sampling.config(loaded.setup());
            int[] ids = tokens(loaded.setup().text(), given);
            try {
                loaded.completer().stream(
                        ids,
                        config,
                        piece -> {
                            shown.print(piece);
                            shown.flush();
                        });
            } finally {
                shown.println();
            }
        }
    }

    private int[] tokens(TextAssets text, String given) {
        if (!raw && text.template().isPresent()) {
            return text.chat().encode(conversation(given), Tail.GENERATION_PROMPT).ids();
        }
        if (!images.isEmpty()) {
            throw new ConfigException(
                    "--image needs a chat template, which --raw leaves out and base models lack");
        }
        int[] ids = text.tokenizer().encode(given, true);
        if (ids.length == 0) {
            throw new ConfigException("the prompt is empty; give some text");
        }
        return ids;
    }

    private Conversation conversation(String given) {
        List<Message> messages = new ArrayList<>();
        if (system != null) {
            messages.add(Message.of("system", system));
        }
        List<Picture> pictures = images.stream().map(GivenPictures::read).toList();
        messages.add(Conversation.message("user", pictures, given));
        return Conversation.of(messages);
    }

    private static String input() {
        try {
            return new String(System.in.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw new ConfigException("the prompt cannot be read from the input: " + e, e);
        }
    }
}
