package org.attune.agents.loop;

import org.attune.agents.gateway.ModelRequest;
import org.attune.agents.gateway.PendingReply;
import org.attune.rollout.generation.TextHold;
import org.attune.text.Tokenizer;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.TurnEvent;
import org.attune.text.parse.TurnStream;

import java.util.List;
import java.util.Optional;

/// Passes a turn on to the program that asked for it, as it is sampled: what has become sure of
/// content and reasoning, and calls once they are read. On the episode's thread.
final class TurnRelay implements TurnReader {
    private final PendingReply reply;
    private final int number;
    private final Optional<TurnStream> turn; // of a chat
    private final Tokenizer.StreamDecoder decoder;
    private final TextHold hold;
    private final boolean isStream;
    private int calls;

    /// @param prefix text of all tokens before the turn
    /// @param stops texts that end the turn
    /// @param number of the turn
    TurnRelay(
            ModelRequest request,
            PendingReply reply,
            EpisodeFormat format,
            String prefix,
            List<String> stops,
            int number) {
        this.reply = reply;
        this.number = number;
        boolean isChat = request.text().isEmpty();
        isStream = request.form().isStream();
        turn =
                isChat && isStream
                        ? Optional.of(format.parser().open(prefix, request.tools()))
                        : Optional.empty();
        decoder = format.chat().tokenizer().streamDecoder(!isChat);
        hold = new TextHold(stops);
    }

    @Override
    public void sampled(int id) {
        if (isStream) {
            read(hold.push(decoder.push(id)));
        }
    }

    /// Passes on what is left at the end of the turn.
    void finish() {
        if (isStream) {
            read(hold.push(decoder.flush()) + hold.rest());
            turn.ifPresent(t -> t.finish().forEach(this::pass));
        }
    }

    private void read(String text) {
        if (turn.isPresent()) {
            turn.get().feed(text).forEach(this::pass);
        } else if (!text.isEmpty()) {
            reply.add(new TurnEvent.Content(text));
        }
    }

    private void pass(TurnEvent event) {
        reply.add(
                event instanceof TurnEvent.Call(ToolCall call)
                        ? new TurnEvent.Call(named(call, number, calls++))
                        : event);
    }

    /// A call with an id, by which programs tell which one a result answers.
    ///
    /// @param turn its number
    /// @param index of the call in the turn
    static ToolCall named(ToolCall call, int turn, int index) {
        String id = call.id().orElse("call_%d_%d".formatted(turn, index));
        return new ToolCall(Optional.of(id), call.name(), call.arguments(), call.raw());
    }

    @Override
    public boolean isGone() {
        return reply.isGone();
    }
}
