package org.attune.cli;

import org.attune.error.ConfigException;
import org.attune.error.RolloutException;
import org.attune.rollout.ChatSession;
import org.attune.rollout.SamplingConfig;
import org.attune.tensor.Engine;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.trainers.config.DtypeChoice;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune chat --model MODEL [--adapter ADAPTER]`
@Command(name = "chat", description = "Talk to a model.")
final class ChatCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Mixin SamplingArguments sampling;
    @Spec CommandSpec spec;

    @Option(names = "--system", description = "System message.")
    String system;

    @Option(
            names = "--context",
            defaultValue = "4096",
            description = "Most tokens of the whole conversation (default: ${DEFAULT-VALUE}).")
    int context;

    @Option(names = "--dtype", defaultValue = "auto", description = "auto, float32 or bfloat16.")
    DtypeChoice dtype;

    @Override
    public boolean generates() {
        return true;
    }

    @Override
    public Integer call() {
        Engine.run(this::talk);
        return ExitCodes.DONE;
    }

    private void talk() {
        PrintWriter out = spec.commandLine().getOut();
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (var loaded = LoadedModel.openToGenerate(model.config(dtype))) {
            TextAssets text = loaded.setup().text();
            if (text.template().isEmpty()) {
                throw new ConfigException(
                        "this model has no chat template; use attune generate --raw");
            }
            SamplingConfig config = sampling.config(loaded.setup());
            int trained = loaded.setup().source().config().maxPositionEmbeddings();
            try (var session =
                    new ChatSession(
                            loaded.completer(),
                            text.chat(),
                            opening(),
                            Math.min(context, trained))) {
                out.println("Empty line or Ctrl-D ends the conversation; /new starts another.");
                for (String line = ask(in, out); !line.isEmpty(); line = ask(in, out)) {
                    if (line.equals("/new")) {
                        session.reset();
                    } else {
                        turn(session, config, line);
                    }
                }
            }
        }
    }

    private List<Message> opening() {
        return system == null ? List.of() : List.of(Message.of("system", system));
    }

    private void turn(ChatSession session, SamplingConfig config, String line) {
        PrintWriter out = spec.commandLine().getOut();
        try {
            session.say(
                    line,
                    config,
                    piece -> {
                        out.print(piece);
                        out.flush();
                    });
            out.println();
        } catch (RolloutException e) {
            spec.commandLine().getErr().println(e.getMessage() + " (--context, or /new)");
        }
    }

    private static String ask(BufferedReader in, PrintWriter out) {
        out.print("> ");
        out.flush();
        try {
            String line = in.readLine();
            return line == null ? "" : line.strip();
        } catch (IOException e) {
            throw new ConfigException("the input cannot be read: " + e, e);
        }
    }
}
