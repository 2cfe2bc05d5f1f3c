package org.attune.rollout;

import org.attune.error.RolloutException;
import org.attune.model.KvCache;
import org.attune.tensor.Engine;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// A conversation with a model: keeps the turns and the cache, so that each turn costs only its own
/// tokens. Owns the cache and borrows the rest; one thread at a time.
public final class ChatSession implements AutoCloseable {
    private final TextCompleter completer;
    private final ChatTokenizer chat;
    private final KvCache cache;
    private final List<Message> messages;
    private final List<Message> opening;

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
        var turns = new ArrayList<>(messages);
        turns.add(Message.of("user", text));
        int[] prompt = chat.encode(Conversation.of(turns), Tail.GENERATION_PROMPT).ids();
        if (prompt.length > cache.capacity()) {
            throw new RolloutException(
                    ("the conversation has %d tokens, there is room for %d; start a new one, or"
                                    + " allow more tokens")
                            .formatted(prompt.length, cache.capacity()));
        }
        TextCompletion reply = completer.stream(cache, prompt, config, receiver);
        messages.clear();
        messages.addAll(turns);
        messages.add(Message.of("assistant", reply.text()));
        return reply;
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

    @Override
    public void close() {
        Engine.run(cache::close);
    }
}
