package org.attune.text;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.DatasetException;
import org.attune.images.ImagePipeline;
import org.attune.images.ImagePipeline.Expanded;
import org.attune.images.Picture;
import org.attune.images.SeenPicture;
import org.attune.text.ChatTemplate.Rendering;
import org.attune.text.ChatTemplate.Tail;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;

/// Turns conversations into token ids and says which tokens the assistant said. Borrows its parts;
/// thread-safe.
@Api(EXPERIMENTAL)
public final class ChatTokenizer {
    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final ControlTokenGuard guard;
    private final Set<Integer> endIds;
    private final Optional<ImagePipeline> images;

    public ChatTokenizer(Tokenizer tokenizer, ChatTemplate template) {
        this(
                tokenizer,
                template,
                new ControlTokenGuard(List.of()),
                tokenizer.eosId().stream().boxed().collect(Collectors.toUnmodifiableSet()),
                Optional.empty());
    }

    private ChatTokenizer(
            Tokenizer tokenizer,
            ChatTemplate template,
            ControlTokenGuard guard,
            Set<Integer> endIds,
            Optional<ImagePipeline> images) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.guard = guard;
        this.endIds = endIds;
        this.images = images;
    }

    /// A tokenizer that writes as many image tokens for each picture of a conversation as the
    /// pictures' pipeline says. Without one, conversations with pictures are refused.
    public ChatTokenizer withPictures(ImagePipeline pipeline) {
        return new ChatTokenizer(
                tokenizer, PartsTemplate.of(template), guard, endIds, Optional.of(pipeline));
    }

    /// A tokenizer for a model that stops at these tokens too, besides the tokenizer's own end
    /// token. In [#encodeWithMask] a turn ends with one of them, where the template writes one
    /// behind it.
    public ChatTokenizer stoppingAt(Set<Integer> ids) {
        var all = new TreeSet<>(endIds);
        all.addAll(ids);
        return new ChatTokenizer(tokenizer, template, guard, Set.copyOf(all), images);
    }

    /// A tokenizer that encodes control tokens in messages or tools (`<|im_end|>` in a user's text)
    /// as ordinary text. So nobody can end a turn by writing one.
    public ChatTokenizer sanitizingControlTokens() {
        return new ChatTokenizer(
                tokenizer,
                template,
                new ControlTokenGuard(tokenizer.addedTokens()),
                endIds,
                images);
    }

    /// A tokenizer that encodes control tokens as ordinary text in all messages but the assistant's
    /// and the system's. Texts of tools and environments can't be trusted, while the assistant's
    /// tokens must stay as they are.
    public ChatTokenizer sanitizingAnswers() {
        return new ChatTokenizer(
                tokenizer,
                template,
                new ControlTokenGuard(
                        tokenizer.addedTokens(),
                        role -> !role.equals("assistant") && !role.equals("system")),
                endIds,
                images);
    }

    public Tokenizer tokenizer() {
        return tokenizer;
    }

    public ChatTemplate template() {
        return template;
    }

    /// Whether conversations may have pictures.
    public boolean sees() {
        return images.isPresent();
    }

    /// Renders and encodes `conversation`. The template writes all special tokens, so none are
    /// added.
    ///
    /// @throws org.attune.error.DatasetException if the template refuses the messages
    public Encoded encode(Conversation conversation, Tail tail) {
        if (endsPrompts()) {
            Answered answered = answered(conversation, tail);
            return new Encoded(answered.text(), answered.ids());
        }
        String rendered = template.render(wrapped(conversation), tail).text();
        String text = withImageTokens(conversation, rendered).text();
        List<ControlTokenGuard.Piece> pieces = guard.pieces(text);
        if (pieces.size() == 1) {
            return new Encoded(text, seen(conversation, tokenizer.encode(text, false)));
        }
        Tokens tokens = encode(pieces);
        return new Encoded(tokens.text(), seen(conversation, tokens.ids()));
    }

    /// Encodes only what comes behind a place in the rendered text. If one token holds text of both
    /// sides, the text behind is encoded alone.
    ///
    /// @param place from the rendered text, in which control tokens of messages may be wrapped
    public int[] encodeBehind(Conversation conversation, Tail tail, ToIntFunction<String> place) {
        String rendered = template.render(wrapped(conversation), tail).text();
        Expanded expanded = withImageTokens(conversation, rendered, place.applyAsInt(rendered));
        String text = expanded.text();
        int at = expanded.places()[0];
        Tokens tokens = encode(guard.pieces(text));
        int first = 0;
        while (first < tokens.ids().length && tokens.start()[first] < at) {
            first++;
        }
        int[] seen = seen(conversation, tokens.ids());
        boolean split = first == 0 || tokens.end()[first - 1] <= at;
        if (split) {
            return Arrays.copyOfRange(seen, first, seen.length);
        }
        int[] behind = encode(guard.pieces(text.substring(at))).ids();
        // No token of a picture holds text of both sides, so the last ones are equal.
        for (int i = 1; i <= Math.min(behind.length, seen.length - first); i++) {
            int row = seen[seen.length - i];
            if (SeenPicture.isRow(row)) {
                behind[behind.length - i] = row;
            }
        }
        return behind;
    }

    /// Renders and encodes `conversation` with the mask of assistant tokens. A template without
    /// `{% generation %}` markers is rendered twice more for each assistant turn, so ask for the
    /// mask only if needed.
    ///
    /// If the last turn lacks an end token that the template writes once others follow, as GLM's
    /// `<|user|>`, it is appended: a model that never has to say it never stops.
    public MaskedEncoding encodeWithMask(Conversation conversation, Tail tail) {
        if (endsPrompts()) {
            Answered answered = answered(conversation, tail);
            return new MaskedEncoding(answered.text(), answered.ids(), answered.mask());
        }
        Conversation wrapped = wrapped(conversation);
        Rendering rendering = template.render(wrapped, tail);
        AssistantSpans spans = spans(wrapped, tail, rendering);
        String text = rendering.text();
        if (spans instanceof AssistantSpans.Found found) {
            int[] places = Arrays.copyOf(found.start(), 2 * found.start().length);
            System.arraycopy(found.end(), 0, places, found.start().length, found.end().length);
            Expanded expanded = withImageTokens(conversation, text, places);
            text = expanded.text();
            spans = found.at(expanded.places());
        } else {
            text = withImageTokens(conversation, text).text();
        }
        Tokens tokens = encode(guard.pieces(text));
        if (spans instanceof AssistantSpans.Found found && found.missing().isPresent()) {
            tokens = tokens.followedBy(found.missing().get(), tokenizer, text.length());
        }
        return new MaskedEncoding(
                tokens.text(), seen(conversation, tokens.ids()), mask(tokens, spans));
    }

    private AssistantSpans spans(Conversation wrapped, Tail tail, Rendering rendering) {
        List<String> ends =
                endIds.stream().map(id -> tokenizer.decode(new int[] {id}, false)).toList();
        return AssistantSpans.find(
                template, wrapped, tail, rendering, tokenizer.addedTokens(), new TurnEnds(ends));
    }

    private boolean endsPrompts() {
        return images.map(ImagePipeline::endsPrompts).orElse(false);
    }

    /// A prompt that sees itself in both directions, and what the assistant says behind its end, in
    /// the last message.
    ///
    /// @param promptLength tokens of the prompt
    /// @param turns        of the assistant in the whole conversation
    private record Answered(String text, int[] ids, int promptLength, int turns) {
        AssistantMask mask() {
            boolean[] assistant = new boolean[ids.length];
            int[] turn = new int[ids.length];
            Arrays.fill(assistant, promptLength, ids.length, true);
            Arrays.fill(turn, 0, promptLength, -1);
            Arrays.fill(turn, promptLength, ids.length, turns - 1);
            return new AssistantMask.Known(assistant, turn, turns, AssistantMask.Source.PREFIXES);
        }
    }

    /// The prompt ends before the last message if that is the assistant's, and the two are encoded
    /// apart, as the processor's `text` and `suffix`. Earlier turns are of the prompt.
    private Answered answered(Conversation conversation, Tail tail) {
        List<Picture> pictures = conversation.pictures();
        if (pictures.isEmpty()) {
            throw new DatasetException(
                    "the conversation has no picture, which the model's processor asks for; give a"
                            + " picture, or a plain text");
        }
        Conversation wrapped = guard.wrap(conversation);
        Rendering rendering = template.render(wrapped, tail);
        String whole = rendering.text();
        int at = whole.length();
        int turns = 0;
        boolean answers = wrapped.messages().getLast().role().equals("assistant");
        if (answers && tail != Tail.GENERATION_PROMPT) {
            switch (spans(wrapped, tail, rendering)) {
                case AssistantSpans.Found found -> {
                    turns = found.start().length;
                    at = turns == 0 ? at : found.start()[turns - 1];
                }
                case AssistantSpans.NotFound(String reason) ->
                        throw new DatasetException(
                                "where the answer begins can't be told: "
                                        + reason
                                        + "; use a chat template with {% generation %} markers");
            }
        }
        String question = withImageTokens(conversation, whole.substring(0, at)).text();
        String answer = whole.substring(at);
        Tokens prompt = encode(guard.pieces(question));
        Tokens said = encode(guard.pieces(answer));
        int[] ids = joined(seen(conversation, prompt.ids()), said.ids(), 0);
        String text = prompt.text() + said.text();
        boolean ended = ids.length > 0 && endIds.contains(ids[ids.length - 1]);
        if (turns > 0 && tail == Tail.NOTHING && !ended && tokenizer.eosId().isPresent()) {
            int[] end = {tokenizer.eosId().getAsInt()};
            ids = joined(ids, end, 0);
            text += tokenizer.decode(end, false);
        }
        return new Answered(text, ids, prompt.ids().length, turns);
    }

    /// Rows of pictures in the places of image tokens.
    private int[] seen(Conversation conversation, int[] ids) {
        if (images.isEmpty()) {
            return ids;
        }
        List<Picture> pictures = conversation.pictures();
        String token = images.get().imageToken();
        OptionalInt id = tokenizer.id(token);
        if (id.isEmpty() && !pictures.isEmpty()) {
            throw new DatasetException("the tokenizer has no image token " + token);
        }
        return id.isEmpty() ? ids : images.get().see(ids, id.getAsInt(), pictures);
    }

    /// What the template renders. Templates of models that see nothing fail on pictures without
    /// naming them, so these are refused before.
    private Conversation wrapped(Conversation conversation) {
        if (!sees() && !conversation.pictures().isEmpty()) {
            throw new DatasetException(
                    "there are pictures, but nothing here sees them: the model's folder doesn't say"
                            + " how (preprocessor_config.json), or episodes are run, which take"
                            + " none; use a model that sees, or rows without pictures");
        }
        return guard.wrap(conversation);
    }

    /// @param places in the rendered text, which are shifted
    private Expanded withImageTokens(Conversation conversation, String rendered, int... places) {
        return images.map(i -> i.expand(rendered, conversation.pictures(), places))
                .orElseGet(() -> new Expanded(rendered, places));
    }

    private static AssistantMask mask(Tokens tokens, AssistantSpans spans) {
        return switch (spans) {
            case AssistantSpans.NotFound(String reason) -> new AssistantMask.Unknown(reason);
            case AssistantSpans.Found found -> {
                boolean[] assistant = new boolean[tokens.ids().length];
                int[] turns = new int[assistant.length];
                for (int i = 0; i < assistant.length; i++) {
                    turns[i] = found.overlapped(tokens.start()[i], tokens.end()[i]);
                    assistant[i] = turns[i] >= 0;
                }
                yield new AssistantMask.Known(
                        assistant, turns, found.start().length, found.source());
            }
        };
    }

    /// @param text  the text of the tokens
    /// @param start of each token's span in the rendered text
    /// @param end   one past it
    private record Tokens(String text, int[] ids, int[] start, int[] end) {
        /// Appends a control token.
        ///
        /// @param at where it would stand in the rendered text
        Tokens followedBy(String control, Tokenizer tokenizer, int at) {
            return new Tokens(
                    text + control,
                    joined(ids, tokenizer.encode(control, false), 0),
                    joined(start, new int[] {at}, 0),
                    joined(end, new int[] {at + control.length()}, 0));
        }
    }

    private Tokens encode(List<ControlTokenGuard.Piece> pieces) {
        var text = new StringBuilder();
        int[] ids = {};
        int[] start = {};
        int[] end = {};
        for (ControlTokenGuard.Piece piece : pieces) {
            text.append(piece.text());
            Tokenizer.Encoding encoding =
                    piece.asText()
                            ? tokenizer.encodeAsText(piece.text())
                            : tokenizer.encodeWithOffsets(piece.text(), false);
            ids = joined(ids, encoding.ids(), 0);
            start = joined(start, encoding.start(), piece.start());
            end = joined(end, encoding.end(), piece.start());
        }
        return new Tokens(text.toString(), ids, start, end);
    }

    private static int[] joined(int[] first, int[] second, int shift) {
        int[] joined = Arrays.copyOf(first, first.length + second.length);
        for (int i = 0; i < second.length; i++) {
            joined[first.length + i] = second[i] + shift;
        }
        return joined;
    }

    /// @param text rendered text
    /// @param ids  its token ids
    public record Encoded(String text, int[] ids) {}

    /// @param text      rendered text
    /// @param ids       its token ids
    /// @param assistant which of them the assistant said, or why that can't be told
    public record MaskedEncoding(String text, int[] ids, AssistantMask assistant) {}
}
