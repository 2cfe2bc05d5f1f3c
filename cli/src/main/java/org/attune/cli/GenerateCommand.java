package org.attune.cli;

import org.attune.error.ConfigException;
import org.attune.rollout.SamplingConfig;
import org.attune.tensor.Engine;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.trainers.config.DtypeChoice;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune generate --model MODEL [--adapter ADAPTER] PROMPT`
@Command(name = "generate", description = "Generate the answer to a prompt.")
final class GenerateCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Mixin SamplingArguments sampling;
    @Spec CommandSpec spec;

    @Option(names = "--system", description = "System message.")
    String system;

    @Option(names = "--raw", description = "Continue the text as it is, without a chat template.")
    boolean raw;

    @Option(names = "--dtype", defaultValue = "auto", description = "auto, float32 or bfloat16.")
    DtypeChoice dtype;

    @Parameters(arity = "0..1", description = "The prompt; without one it is read from the input.")
    String prompt;

    @Override
    public Integer call() {
        String given = prompt == null ? input() : prompt;
        PrintWriter out = spec.commandLine().getOut();
        Engine.run(() -> generate(given, out));
        out.println();
        return ExitCodes.DONE;
    }

    private void generate(String given, PrintWriter out) {
        try (var loaded = LoadedModel.open(model.config(dtype))) {
            SamplingConfig config = sampling.config(loaded.setup());
            int[] ids = tokens(loaded.setup().text(), given);
            loaded.completer().stream(
                    ids,
                    config,
                    piece -> {
                        out.print(piece);
                        out.flush();
                    });
        }
    }

    private int[] tokens(TextAssets text, String given) {
        if (!raw && text.template().isPresent()) {
            return text.chat().encode(conversation(given), Tail.GENERATION_PROMPT).ids();
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
        messages.add(Message.of("user", given));
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
