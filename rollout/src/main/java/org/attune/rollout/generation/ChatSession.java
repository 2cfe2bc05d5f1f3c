package org.attune.rollout.generation;

import org.attune.error.RolloutException;
import org.attune.model.decode.KvCache;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.Engine;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// A conversation with a model: keeps the turns and the cache, so that each turn costs only its own
/// tokens. Owns the cache and borrows the rest; one thread at a time.
public final class ChatSession implements AutoCloseable {
    private final TextCompleter completer;
    private final ChatTokenizer chat;
    private final KvCache cache;
    private final List<Message> messages;
    private List<Message> opening;

    /// @param opening first messages, a system message for instance; may be empty
    /// @param capacity most tokens of the whole conversation, ≥ 1
    public ChatSession(
            TextCompleter completer, ChatTokenizer chat, List<Message> opening, int capacity) {
        this.completer = completer;
        this.chat = chat;
        this.opening = List.copyOf(opening);
        messages = new ArrayList<>(opening);
        cache = Engine.call(() -> completer.generator().newCache(1, capacity));
    }

    /// Adds the user's message, generates the assistant's and adds it too. If that fails, the
    /// conversation stays as it was.
    ///
    /// @param receiver gets the reply in pieces, on the engine thread
    /// @throws RolloutException if the conversation no longer fits
    /// @throws org.attune.error.DatasetException if the template refuses the messages
    public TextCompletion say(String text, SamplingConfig config, Consumer<String> receiver) {
        return say(text, config, receiver, () -> true);
    }

    /// Adds the user's message and the assistant's reply; a reply that is stopped is added as far
    /// as it came.
    ///
    /// @param goesOn asked after each token, on the engine thread
    public TextCompletion say(
            String text, SamplingConfig config, Consumer<String> receiver, BooleanSupplier goesOn) {
        return say(Message.of("user", text), config, receiver, goesOn);
    }

    /// Adds a message, which may have pictures, and the assistant's reply.
    ///
    /// @param goesOn asked after each token, on the engine thread
    public TextCompletion say(
            Message message,
            SamplingConfig config,
            Consumer<String> receiver,
            BooleanSupplier goesOn) {
        var turns = new ArrayList<>(messages);
        turns.add(message);
        return answer(turns, config, receiver, goesOn);
    }

    /// Whether messages may have pictures.
    public boolean sees() {
        return chat.sees();
    }

    /// Whether there is a reply that could be another.
    public boolean canRetry() {
        return messages.size() > opening.size();
    }

    /// Replaces the last reply by another.
    ///
    /// @throws IllegalStateException if there is none
    public TextCompletion retry(
            SamplingConfig config, Consumer<String> receiver, BooleanSupplier goesOn) {
        if (!canRetry()) {
            throw new IllegalStateException("nothing was said yet");
        }
        return answer(messages.subList(0, messages.size() - 1), config, receiver, goesOn);
    }

    private TextCompletion answer(
            List<Message> turnsSoFar,
            SamplingConfig config,
            Consumer<String> receiver,
            BooleanSupplier goesOn) {
        List<Message> turns = List.copyOf(turnsSoFar);
        int[] prompt = chat.encode(Conversation.of(turns), Tail.GENERATION_PROMPT).ids();
        if (prompt.length > cache.capacity()) {
            throw new RolloutException(
                    ("the conversation has %d tokens, there is room for %d; start a new one, or"
                                    + " allow more tokens")
                            .formatted(prompt.length, cache.capacity()));
        }
        TextCompletion reply = completer.stream(cache, prompt, config, receiver, goesOn);
        messages.clear();
        messages.addAll(turns);
        messages.add(Message.of("assistant", reply.text()));
        return reply;
    }

    /// Most tokens of the whole conversation.
    public int capacity() {
        return cache.capacity();
    }

    /// What every conversation begins with.
    public List<Message> opening() {
        return opening;
    }

    /// All turns so far.
    public List<Message> messages() {
        return List.copyOf(messages);
    }

    /// Starts a new conversation with the same opening.
    public void reset() {
        messages.clear();
        messages.addAll(opening);
    }

    /// Starts a new conversation with another opening.
    public void reset(List<Message> other) {
        opening = List.copyOf(other);
        reset();
    }

    @Override
    public void close() {
        Engine.run(cache::close);
    }
}
