package org.attune.cli.chat;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ModelOptions;
import org.attune.cli.command.SamplingArguments;
import org.attune.cli.command.UsesEngine;
import org.attune.models.Chat;
import org.attune.models.DtypeChoice;
import org.attune.rollout.generation.ChatSession;
import org.attune.tensor.Engine;
import org.attune.text.Message;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune chat --model MODEL [--adapter ADAPTER]`
@Command(name = "chat", description = "Talk to a model.")
public final class ChatCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Mixin SamplingArguments sampling;
    @Spec CommandSpec spec;

    @Option(names = "--system", description = "System message.")
    String system;

    @Option(
            names = "--context",
            defaultValue = "" + Chat.DEFAULT_CONTEXT,
            description = "Most tokens of the whole conversation (default: ${DEFAULT-VALUE}).")
    int context;

    @Option(names = "--dtype", defaultValue = "auto", description = "auto, float32 or bfloat16.")
    DtypeChoice dtype;

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public boolean generates() {
        return true;
    }

    @Override
    public Integer call() {
        return Engine.call(this::talk);
    }

    private int talk() {
        PrintWriter out = spec.commandLine().getOut();
        try (var chat = Chat.open(model.config(dtype), sampling.options(), opening(), context)) {
            ChatSession session = chat.session();
            int capacity = session.capacity();
            out.println(
                    "%s, conversations of up to %,d tokens%s. /help lists what can be done here."
                            .formatted(
                                    model.model,
                                    capacity,
                                    capacity < context ? ", which it was made for" : ""));
            var settings = new ChatSettings(chat.sampling());
            var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            return new ChatLoop(new ChatInput(in, out), out, session, settings).run();
        }
    }

    private List<Message> opening() {
        return system == null ? List.of() : List.of(Message.of("system", system));
    }
}
