package org.attune.rollout.constraint;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.rollout.sampling.TokenConstraint;
import org.attune.text.Tokenizer;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/// What completions must look like. Compiled once, for any number of tokenizers and sequences.
/// Thread-safe.
///
/// Each step refuses the tokens that no text of the constraint begins with; a token that ends the
/// completion is allowed where the text is complete, and alone where nothing else can follow. A
/// completion that `max_new_tokens` cuts is the beginning of such a text.
@Api(EXPERIMENTAL)
public final class Constraint {
    /// Tokens by tokenizer and end tokens, as long as the tokenizer is used.
    private static final Map<Tokenizer, Map<Set<Integer>, TokenTrie>> TRIES =
            Collections.synchronizedMap(new WeakHashMap<>());

    private final Automaton automaton;
    private final Map<TokenTrie, TokenMasks> masks = new ConcurrentHashMap<>();

    private Constraint(Grammar grammar, Expr language) {
        automaton = new Automaton(grammar, language);
    }

    /// Texts that match as a whole. `\d`, `\w`, `\s` and `.` are Unicode's, as in Python's `regex`.
    ///
    /// @throws ConfigException naming the place, if the pattern is wrong or has what an automaton
    ///     can't do: look-around, back-references, `\b`, anchors inside
    public static Constraint regex(String pattern) {
        var grammar = new Grammar();
        return new Constraint(grammar, RegexReader.whole(grammar, pattern));
    }

    /// One of some texts.
    ///
    /// @param choices at least one
    /// @throws ConfigException if there are none
    public static Constraint choice(List<String> choices) {
        if (choices.isEmpty()) {
            throw new ConfigException("no choices are given; accepted: at least one text");
        }
        var grammar = new Grammar();
        return new Constraint(grammar, grammar.texts(choices));
    }

    /// Makes what sequences of one model follow: one object for each. Masks are shared by all.
    ///
    /// A sequence with several turns follows the constraint in each. An error ends the sequence if
    /// the vocabulary lacks the tokens to go on.
    ///
    /// @param endIds tokens that end a completion, at least one
    /// @throws ConfigException if there is no such token
    /// @throws org.attune.error.ModelException if the bytes of the tokenizer's tokens aren't known
    public Supplier<TokenConstraint> on(Tokenizer tokenizer, Set<Integer> endIds) {
        Map<Set<Integer>, TokenTrie> known =
                TRIES.computeIfAbsent(tokenizer, _ -> new ConcurrentHashMap<>());
        return on(known.computeIfAbsent(Set.copyOf(endIds), ids -> TokenTrie.of(tokenizer, ids)));
    }

    Supplier<TokenConstraint> on(TokenTrie trie) {
        TokenMasks shared = masks.computeIfAbsent(trie, _ -> new TokenMasks(automaton, trie));
        return () -> new ConstrainedTurn(shared, trie, automaton.start());
    }

    Automaton automaton() {
        return automaton;
    }
}
