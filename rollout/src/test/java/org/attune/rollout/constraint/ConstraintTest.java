package org.attune.rollout.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.error.RolloutException;
import org.attune.json.Json;
import org.attune.model.layer.Decoder;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.generation.GenerationLoop;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.SequenceRequest;
import org.attune.rollout.generation.Ticket;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.sampling.TokenConstraint;
import org.attune.rollout.testing.RandomDecoder;
import org.attune.tensor.Engine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Masks against the definition, and what a model writes under them.
final class ConstraintTest {
    private static final int END = 39;

    /// Tokens of a small vocabulary; that of the end is a control token.
    private static final List<String> TOKENS =
            List.of(
                    ("a,b,ab,aab,c,d,0,1,12,é,x,xy,y,yy, ,abc,bc,ca,yes,ye,no,e,s,n,o,mot,m,t,-,-1,"
                                    + "1-,  ,.,0.,00,z,zz,zzz,\n,<end>")
                            .split(","));

    private static TokenTrie trie() {
        byte[][] bytes =
                TOKENS.stream()
                        .map(t -> t.equals("<end>") ? "" : t)
                        .map(t -> t.getBytes(StandardCharsets.UTF_8))
                        .toArray(byte[][]::new);
        return new TokenTrie(bytes, Set.of(END));
    }

    /// Java's own matcher says by `hitEnd` whether more input could still match.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "(ab|a)*b",
                "a{2,3}b?",
                "[^ab]{1,2}",
                "(x+x+)+y",
                "yes|no|mot",
                "-?\\d+(\\.\\d+)?",
                "(aa|aab)+c",
                ".*é.*",
                "z{3,8}",
                "(?i)YES"
            })
    void masksHoldWhatCanStillMatch(String regex) {
        Pattern pattern =
                Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNIX_LINES);
        TokenTrie trie = trie();
        Supplier<TokenConstraint> constraint = Constraint.regex(regex).on(trie);
        follow(pattern, constraint, trie, List.of(), 3);
    }

    @SuppressWarnings("JdkObsolete") // what hitEnd says is what is asked
    private static void follow(
            Pattern pattern,
            Supplier<TokenConstraint> made,
            TokenTrie trie,
            List<Integer> tokens,
            int depth) {
        TokenConstraint constraint = made.get();
        tokens.forEach(id -> constraint.appended(id, false));
        BitSet allowed = constraint.allowed().orElseThrow();
        String text = tokens.stream().map(TOKENS::get).collect(Collectors.joining());
        assertEquals(pattern.matcher(text).matches(), allowed.get(END), text);
        for (int id = 0; id < END; id++) {
            Matcher matcher = pattern.matcher(text + TOKENS.get(id));
            boolean fits = matcher.matches() || matcher.hitEnd();
            assertEquals(fits, allowed.get(id), text + "|" + TOKENS.get(id));
            if (fits && depth > 0) {
                List<Integer> more = Stream.concat(tokens.stream(), Stream.of(id)).toList();
                follow(pattern, made, trie, more, depth - 1);
            }
        }
    }

    @Test
    void nothingCanBeSaid() {
        assertThrows(ConfigException.class, () -> Constraint.choice(List.of()));
        for (String wrong : List.of("a(?=b)", "\\bx", "(a)\\1", "a$b", "[b-a]", "a{3,1}", "*a")) {
            String told =
                    assertThrows(ConfigException.class, () -> Constraint.regex(wrong)).getMessage();
            assertTrue(told.contains(wrong) && told.contains("position"), told);
        }
    }

    /// Whatever strangers send, it is an error in the end, or works.
    @Test
    void sizesAreBounded() {
        String many = "x".repeat(50_000);
        Automaton endless = Constraint.choice(List.of(many, many + "y", "z")).automaton();
        assertTrue(endless.takes(endless.start(), many + "y"));
        assertTrue(!endless.takes(endless.start(), many + "z"));
        Automaton optional = Constraint.regex("a?".repeat(500)).automaton();
        assertTrue(optional.takes(optional.start(), "a".repeat(500)));
        for (String regex : List.of("(".repeat(5000) + ")".repeat(5000), "a{1000000}")) {
            assertThrows(ConfigException.class, () -> Constraint.regex(regex));
        }
        var schema = Json.MAPPER.createObjectNode().put("type", "string").put("pattern", "b");
        schema.put("minLength", 1_000_000_000);
        assertThrows(ConfigException.class, () -> Constraint.jsonSchema(schema));
    }

    /// Masks of alternatives are those of one pattern for both, step by step.
    @Test
    void alternativesTakeWhatOneOfThemTakes() {
        Constraint both =
                Constraint.anyOf(List.of(Constraint.regex("(ab)+"), Constraint.regex("a?[01]{2}")));
        assertTrue(both.matches("abab") && both.matches("a01") && !both.matches("ab01"));
        var pattern = Pattern.compile("(ab)+|a?[01]{2}");
        follow(pattern, both.on(trie()), trie(), List.of(), 3);
        assertThrows(ConfigException.class, () -> Constraint.anyOf(List.of()));
    }

    @Test
    void everyTurnOfAlternativesBeginsAnew() {
        begunAnew(
                Constraint.anyOf(
                        List.of(Constraint.choice(List.of("yes")), Constraint.regex("no"))));
    }

    /// A token that ends a turn, or one from outside, begins the constraint anew.
    @Test
    void everyTurnBeginsAnew() {
        begunAnew(Constraint.choice(List.of("yes", "no")));
    }

    private static void begunAnew(Constraint constraint) {
        TokenConstraint turn = constraint.on(trie()).get();
        BitSet first = turn.allowed().orElseThrow();
        turn.appended(TOKENS.indexOf("no"), false);
        assertEquals(
                Set.of(END),
                turn.allowed().orElseThrow().stream().boxed().collect(Collectors.toSet()));
        turn.appended(END, false);
        assertEquals(first, turn.allowed().orElseThrow());
        turn.appended(TOKENS.indexOf("ye"), false);
        assertFalse(first.equals(turn.allowed().orElseThrow()));
        turn.appended(TOKENS.indexOf("zzz"), true);
        assertEquals(first, turn.allowed().orElseThrow());
    }

    /// All completions match, whatever the model wants to write, and log-probabilities are its own.
    @ParameterizedTest
    @ValueSource(doubles = {1, 0.7})
    void completionsMatch(double topP) {
        String regex = "(ab|c){1,6}-?[01]{2}";
        Supplier<TokenConstraint> constraint = Constraint.regex(regex).on(trie());
        Decoder decoder = Engine.call(RandomDecoder::load);
        var distribution = Distribution.plain().withTemperature(1.3).withTopP(topP);
        var sampling = SamplingConfig.of(distribution, 20, Set.of(END), 3);
        try (var loop = GenerationLoop.open(decoder, Optional.empty(), 4, 30)) {
            List<Ticket> tickets =
                    IntStream.range(0, 6)
                            .mapToObj(i -> SequenceRequest.of(new int[] {i, 7}, sampling))
                            .map(request -> request.withConstraint(constraint.get()))
                            .map(request -> loop.submit(request, SequenceListener.NONE))
                            .toList();
            for (Ticket ticket : tickets) {
                SampledCompletion c = ticket.await();
                assertEquals(StopReason.STOP_TOKEN, c.reason());
                String text =
                        IntStream.of(c.ids())
                                .filter(id -> id != END)
                                .mapToObj(TOKENS::get)
                                .collect(Collectors.joining());
                assertTrue(text.matches(regex), text);
                // Of three tokens that are left one had a third or more.
                assertTrue(c.logProbs()[0] < Math.log(0.2), () -> "" + c.logProbs()[0]);
            }
        } finally {
            Engine.run(decoder::close);
        }
    }

    /// Asks the same on the engine thread, and on another one while the engine computes.
    @Test
    void masksThatAreMadeOnAnotherThreadChangeNothing() {
        Constraint constraint = Constraint.regex("(ab|c){1,6}-?[01]{2}");
        Decoder decoder = Engine.call(RandomDecoder::load);
        var sampling = SamplingConfig.of(Distribution.plain(), 20, Set.of(END), 3);
        List<List<Integer>> inLine = new ArrayList<>();
        List<List<Integer>> ahead = new ArrayList<>();
        try (var loop = GenerationLoop.open(decoder, Optional.empty(), 4, 30)) {
            for (boolean takesTime : new boolean[] {false, true}) {
                var threads = ConcurrentHashMap.<Thread>newKeySet();
                Supplier<TokenConstraint> made = constraint.on(trie());
                List<Ticket> tickets =
                        IntStream.range(0, 6)
                                .mapToObj(i -> SequenceRequest.of(new int[] {i, 7}, sampling))
                                .map(r -> r.withConstraint(told(made.get(), takesTime, threads)))
                                .map(request -> loop.submit(request, SequenceListener.NONE))
                                .toList();
                tickets.forEach(
                        ticket ->
                                (takesTime ? ahead : inLine)
                                        .add(IntStream.of(ticket.await().ids()).boxed().toList()));
                assertEquals(takesTime, threads.stream().allMatch(Thread::isVirtual));
            }
            var broken = SequenceRequest.of(new int[] {1}, sampling).withConstraint(failing());
            Ticket failed = loop.submit(broken, SequenceListener.NONE);
            Ticket other =
                    loop.submit(SequenceRequest.of(new int[] {2}, sampling), SequenceListener.NONE);
            assertThrows(RolloutException.class, failed::await);
            assertTrue(other.await().ids().length > 0);
        } finally {
            Engine.run(decoder::close);
        }
        assertEquals(inLine, ahead);
    }

    private static TokenConstraint told(
            TokenConstraint constraint, boolean takesTime, Set<Thread> threads) {
        return new TokenConstraint() {
            @Override
            public boolean takesTime() {
                return takesTime;
            }

            @Override
            public Optional<BitSet> allowed() {
                threads.add(Thread.currentThread());
                return constraint.allowed();
            }

            @Override
            public void appended(int id, boolean foreign) {
                constraint.appended(id, foreign);
            }
        };
    }

    /// Fails when it is asked for its second token.
    private static TokenConstraint failing() {
        return new TokenConstraint() {
            private int asked;

            @Override
            public boolean takesTime() {
                return true;
            }

            @Override
            public Optional<BitSet> allowed() {
                if (++asked == 2) {
                    throw new IllegalStateException("no more");
                }
                return Optional.empty();
            }

            @Override
            public void appended(int id, boolean foreign) {
                // whatever comes
            }
        };
    }
}
