package org.attune.cli;

import org.attune.error.ConfigException;
import org.attune.error.RolloutException;
import org.attune.rollout.SamplingOptions;
import org.attune.tensor.Engine;
import org.attune.text.Conversation;
import org.attune.text.Message;
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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;

/// `attune chat --model MODEL [--adapter ADAPTER]`
@Command(name = "chat", description = "Talk to a model.")
final class ChatCommand implements Callable<Integer> {
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
    public Integer call() {
        Engine.run(this::talk);
        return ExitCodes.DONE;
    }

    private void talk() {
        PrintWriter out = spec.commandLine().getOut();
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (var loaded = LoadedModel.open(model.config(dtype));
                var speaker = new Speaker(loaded, context)) {
            if (!speaker.isChat()) {
                throw new ConfigException(
                        "this model has no chat template; use attune generate --raw");
            }
            SamplingOptions options = sampling.options(loaded.setup().source().generation());
            out.println("Empty line or Ctrl-D ends the conversation; /new starts another.");
            List<Message> messages = start();
            for (String line = ask(in, out); !line.isEmpty(); line = ask(in, out)) {
                messages = line.equals("/new") ? start() : turn(speaker, options, messages, line);
            }
        }
    }

    private List<Message> start() {
        List<Message> messages = new ArrayList<>();
        if (system != null) {
            messages.add(Message.of("system", system));
        }
        return messages;
    }

    private List<Message> turn(
            Speaker speaker, SamplingOptions options, List<Message> before, String line) {
        PrintWriter out = spec.commandLine().getOut();
        List<Message> messages = new ArrayList<>(before);
        messages.add(Message.of("user", line));
        try {
            int[] prompt = speaker.prompt(Conversation.of(messages));
            String said = speaker.say(prompt, options, out, new AtomicBoolean(true));
            out.println();
            messages.add(Message.of("assistant", said));
            return messages;
        } catch (RolloutException e) {
            spec.commandLine().getErr().println(e.getMessage() + " (--context, or /new)");
            return before;
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
