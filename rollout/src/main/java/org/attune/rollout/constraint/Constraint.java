package org.attune.rollout.constraint;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.rollout.sampling.TokenConstraint;
import org.attune.text.Tokenizer;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
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

    private final List<Constraint> alternatives; // none if it has an automaton
    private final Automaton automaton;
    private final boolean keysOnce;
    private final Map<TokenTrie, TokenMasks> masks = new ConcurrentHashMap<>();

    /// @param keysOnce whether texts are JSON in which keys must be kept from coming twice
    private Constraint(List<Constraint> alternatives, Automaton automaton, boolean keysOnce) {
        this.alternatives = List.copyOf(alternatives);
        this.automaton = automaton;
        this.keysOnce = keysOnce;
    }

    private Constraint(Automaton automaton, boolean keysOnce) {
        this(List.of(), automaton, keysOnce);
    }

    private static Constraint of(Function<Grammar, Expr> language) {
        return shallow(
                () -> {
                    var grammar = new Grammar();
                    Optional<Automaton> automaton = Automaton.of(grammar, language.apply(grammar));
                    return new Constraint(
                            automaton.orElseThrow(
                                    () ->
                                            new ConfigException(
                                                    "no text fits this constraint: what it asks for"
                                                            + " contradicts itself")),
                            false);
                });
    }

    private static Constraint shallow(Supplier<Constraint> made) {
        try {
            return made.get();
        } catch (StackOverflowError e) {
            throw new ConfigException("this constraint is nested too deeply to be followed", e);
        }
    }

    /// Texts that match as a whole. `\d`, `\w`, `\s` and `.` are Unicode's, as in Python's `regex`.
    ///
    /// @throws ConfigException naming the place, if the pattern is wrong or has what an automaton
    ///     can't do: look-around, back-references, `\b`, anchors inside
    public static Constraint regex(String pattern) {
        return of(grammar -> RegexReader.whole(grammar, pattern));
    }

    /// One of some texts.
    ///
    /// @param choices at least one
    /// @throws ConfigException if there are none
    public static Constraint choice(List<String> choices) {
        if (choices.isEmpty()) {
            throw new ConfigException("no choices are given; accepted: at least one text");
        }
        return of(grammar -> grammar.texts(choices));
    }

    /// The compact JSON texts of the values that a schema holds for: without blanks, declared keys
    /// in their order, then required ones that aren't declared, then others. No key comes twice.
    ///
    /// @param schema of any draft; references lead into the schema itself
    /// @throws ConfigException naming keyword and place, if the schema is wrong, holds for no
    ///     value, or asks for what can't be kept to: `not`, `if`, `contains`, `uniqueItems`,
    ///     `propertyNames`, `dependent…`, `unevaluated…`, parts of `oneOf` that overlap, and all
    ///     formats but ten
    public static Constraint jsonSchema(JsonNode schema) {
        return shallow(
                () -> {
                    var reader = new SchemaReader(new Grammar(), schema);
                    return new Constraint(reader.read(), reader.isOpen());
                });
    }

    /// Texts of a grammar in llama.cpp's GBNF, from its rule `root` on.
    ///
    /// @throws ConfigException naming the line, if it is wrong, or if a rule calls itself first by
    ///     way of others
    public static Constraint gbnf(String rules) {
        return of(grammar -> RuleReader.gbnf(grammar, rules));
    }

    /// Texts of a grammar in Lark's form, from its rule `start` on: rules, terminals, regular
    /// expressions, `%ignore`, and `%json` with a schema of closed objects. Any text matches that
    /// can be parsed, however terminals are told apart.
    ///
    /// @throws ConfigException naming the line, if it is wrong, has other directives, or has a rule
    ///     that calls itself first by way of others
    public static Constraint lark(String rules) {
        return of(grammar -> RuleReader.lark(grammar, rules));
    }

    /// Texts that at least one of some constraints takes.
    ///
    /// @param alternatives at least one
    public static Constraint anyOf(List<Constraint> alternatives) {
        if (alternatives.isEmpty()) {
            throw new ConfigException("no constraints are given; accepted: at least one");
        }
        return new Constraint(alternatives, null, false);
    }

    /// Compact JSON objects.
    public static Constraint jsonObject() {
        return jsonSchema(Json.MAPPER.createObjectNode().put("type", "object"));
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
        if (!alternatives.isEmpty()) {
            List<Supplier<TokenConstraint>> each =
                    alternatives.stream().map(one -> one.on(trie)).toList();
            return () -> new EitherTurn(each.stream().map(Supplier::get).toList(), trie.ends());
        }
        TokenMasks shared = masks.computeIfAbsent(trie, _ -> new TokenMasks(automaton, trie));
        return () -> new ConstrainedTurn(shared, trie, automaton.start(), keysOnce);
    }

    /// Whether the constraint takes a text, as a whole. Keys that come twice aren't looked for.
    public boolean matches(String text) {
        if (!alternatives.isEmpty()) {
            return alternatives.stream().anyMatch(one -> one.matches(text));
        }
        synchronized (automaton) { // which finds its states as it goes
            automaton.allowSteps(TokenMasks.MOST_STEPS);
            return automaton.takes(automaton.start(), text);
        }
    }

    Automaton automaton() {
        return automaton;
    }
}
