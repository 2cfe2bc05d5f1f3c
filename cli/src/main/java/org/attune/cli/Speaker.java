package org.attune.cli;

import org.attune.error.ConfigException;
import org.attune.model.Decoding;
import org.attune.rollout.Completer;
import org.attune.rollout.SamplingOptions;
import org.attune.text.ChatTemplate;
import org.attune.text.Conversation;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;

import java.io.PrintWriter;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/// Lets a model speak: text in, text out as it is generated. Use it on the engine thread.
final class Speaker implements AutoCloseable {
    private final TextAssets text;
    private final Decoding decoding;
    private final Completer completer;

    /// @param model borrowed
    /// @param capacity most tokens of prompt and completion together
    Speaker(LoadedModel model, int capacity) {
        text = model.setup().text();
        int limit = Math.min(capacity, model.setup().source().config().maxPositionEmbeddings());
        decoding = new Decoding(model.decoder(), model.adapterInUse(), limit);
        completer = new Completer(decoding, stops(model));
    }

    private static Set<Integer> stops(LoadedModel model) {
        Set<Integer> stops = new HashSet<>(model.setup().source().generation().eosIds());
        model.setup().text().tokenizer().eosId().ifPresent(stops::add);
        return stops;
    }

    /// The tokens of a conversation with the beginning of an answer.
    int[] prompt(Conversation conversation) {
        return text.chat().encode(conversation, ChatTemplate.Tail.GENERATION_PROMPT).ids();
    }

    /// The tokens of a plain text.
    int[] prompt(String plain) {
        int[] ids = text.tokenizer().encode(plain, true);
        if (ids.length == 0) {
            throw new ConfigException("the prompt is empty; give some text");
        }
        return ids;
    }

    boolean isChat() {
        return text.template().isPresent();
    }

    /// Generates and prints; the whole text is returned.
    ///
    /// @param wanted false ends the completion
    String say(int[] prompt, SamplingOptions options, PrintWriter out, AtomicBoolean wanted) {
        Tokenizer.StreamDecoder stream = text.tokenizer().streamDecoder(true);
        var said = new StringBuilder();
        completer.complete(
                prompt,
                options,
                token -> {
                    print(stream.push(token), said, out);
                    return wanted.get();
                });
        print(stream.flush(), said, out);
        return said.toString();
    }

    private static void print(String piece, StringBuilder said, PrintWriter out) {
        said.append(piece);
        out.print(piece);
        out.flush();
    }

    @Override
    public void close() {
        decoding.close();
    }
}
