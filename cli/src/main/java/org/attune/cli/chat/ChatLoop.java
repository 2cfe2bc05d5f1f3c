package org.attune.cli.chat;

import org.attune.cli.command.ExitCodes;
import org.attune.cli.terminal.SignalHook;
import org.attune.cli.terminal.VisibleText;
import org.attune.error.AttuneException;
import org.attune.error.RolloutException;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.generation.ChatSession;
import org.attune.rollout.generation.TextCompletion;
import org.attune.text.Message;

import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/// A conversation at the terminal: messages, commands, answers as they are generated. Ctrl-C ends
/// an answer, and at the prompt the conversation. On the engine thread.
final class ChatLoop {
    private static final Duration MEANT_FOR_ANSWER = Duration.ofSeconds(1);

    private final ChatInput input;
    private final PrintWriter out;
    private final ChatSession session;
    private final ChatCommands commands;
    private final AtomicBoolean answering = new AtomicBoolean();
    private final AtomicBoolean stopped = new AtomicBoolean();

    private Optional<Instant> answerEnd = Optional.empty();

    /// @param session borrowed
    ChatLoop(ChatInput input, PrintWriter out, ChatSession session, ChatSettings settings) {
        this.input = input;
        this.out = out;
        this.session = session;
        commands = new ChatCommands(session, settings, out);
    }

    /// @return the exit code
    int run() {
        try (var _ = SignalHook.on("INT", this::interrupted)) {
            return talk();
        }
    }

    /// Ctrl-C was pressed. From any thread.
    void interrupted() {
        if (answering.get()) {
            stopped.set(true);
        } else {
            input.interrupt();
        }
    }

    private int talk() {
        while (true) {
            switch (input.next()) {
                case ChatInput.Event.End() -> {
                    out.println();
                    return ExitCodes.DONE;
                }
                case ChatInput.Event.Interrupt(boolean unfinished) -> {
                    out.println();
                    if (!unfinished && !answerEndedJustNow()) {
                        return ExitCodes.INTERRUPTED;
                    }
                    out.println("Ctrl-C again, Ctrl-D or /quit ends the conversation.");
                }
                case ChatInput.Event.Text(String text) -> {
                    if (!text.isBlank() && !take(text.strip())) {
                        return ExitCodes.DONE;
                    }
                }
            }
        }
    }

    /// @return whether the conversation goes on
    private boolean take(String text) {
        try {
            if (!text.startsWith("/") || text.startsWith("//")) {
                String said = text.startsWith("//") ? text.substring(1) : text;
                Message message = commands.message(said);
                answer(
                        receiver ->
                                session.say(message, commands.sampling(), receiver, this::goesOn));
                commands.taken();
                return true;
            }
            return switch (commands.take(text)) {
                case CONTINUE -> true;
                case QUIT -> false;
                case RETRY -> {
                    answer(receiver -> session.retry(commands.sampling(), receiver, this::goesOn));
                    yield true;
                }
            };
        } catch (RolloutException e) {
            out.println(e.getMessage() + " (/clear, or --context TOKENS)");
            return true;
        } catch (AttuneException e) {
            out.println(e.getMessage());
            return true;
        }
    }

    /// Then Ctrl-C was meant for the answer.
    private boolean answerEndedJustNow() {
        return answerEnd
                .filter(end -> Instant.now().isBefore(end.plus(MEANT_FOR_ANSWER)))
                .isPresent();
    }

    private boolean goesOn() {
        return !stopped.get();
    }

    /// A way to an answer, given who receives its pieces.
    private interface Answer {
        TextCompletion by(Consumer<String> receiver);
    }

    private void answer(Answer answer) {
        stopped.set(false);
        answering.set(true);
        TextCompletion reply;
        try {
            reply =
                    answer.by(
                            piece -> {
                                out.print(VisibleText.ofLines(piece));
                                out.flush();
                            });
        } finally {
            answering.set(false);
            answerEnd = Optional.of(Instant.now());
        }
        out.println();
        SampledCompletion sampled = reply.sampled();
        if (sampled.reason() == StopReason.CANCELLED) {
            out.println("(stopped; what was said so far is part of the conversation)");
        } else if (!sampled.reason().isFinished()) {
            out.println(cutOff(sampled.ids().length));
        }
    }

    private String cutOff(int tokens) {
        if (tokens < commands.sampling().maxNewTokens()) {
            return "(cut off: the conversation is full, %d tokens; /clear starts another, --context allows more)"
                    .formatted(session.capacity());
        }
        return "(cut off after %d tokens; /set max_new_tokens=%d allows more)"
                .formatted(tokens, 2 * tokens);
    }
}
