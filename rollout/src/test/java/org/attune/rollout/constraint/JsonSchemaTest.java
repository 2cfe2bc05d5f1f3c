package org.attune.rollout.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.rollout.constraint.NumberRange.Bound;
import org.attune.rollout.sampling.TokenConstraint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/// Texts that schemas hold for, by hand.
final class JsonSchemaTest {
    private static Constraint schema(String text) {
        try {
            return Constraint.jsonSchema(Json.MAPPER.readTree(text.replace('\'', '"')));
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean takes(Constraint constraint, String text) {
        Automaton automaton = constraint.automaton();
        return automaton.takes(automaton.start(), text.replace('\'', '"'));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'type':'string','maxLength':2}|'ab' 'é😀' '\\n\\u0001'|'abc' '\u007f' ab",
                "{'type':'string','pattern':'^[^\\\"\\\\\\\\]*$'}|'q'|'\\\"' '\\\\'",
                "{'type':'string','pattern':'b','maxLength':3}|'abc' 'b'|'ac' 'abcd'",
                "{'type':'string','format':'date'}|'2024-02-29'|'2023-02-29' '1900-02-29'"
                        + " '0000-01-01'",
                "{'type':'integer','minimum':9007199254740993}|9007199254740993|9007199254740992",
                "{'type':'number','multipleOf':0.25,'maximum':1}|0.5 -1.75 1|0.3 1.25",
                "{'enum':['a',1.0,null,{'k':[]}]}|'a' 1 null {'k':[]}|1.0 'b' {}",
                "{'type':['integer','null'],'enum':['a',2,null]}|2 null|'a'",
                "{'properties':{'a':{'type':'null'},'b':{}}, 'required':['b'],"
                        + " 'additionalProperties':false}|{'b':1} {'a':null,'b':'x'} 7|{'a':null}"
                        + " {'b':1,'a':null} {'b':1,'c':2}",
                "{'type':'object', 'properties':{'a':false}, 'maxProperties':1}|{} {'b':1}|{'a':1}"
                        + " {'\\u0061':1} {'b':1,'c':1}",
                "{'type':'object','patternProperties':{'^x':{'type':'integer'}},"
                        + " 'additionalProperties':false}|{'x':1,'xy':2}|{'x':'1'} {'y':1}",
                "{'type':'array','prefixItems':[{'type':'null'}], 'items':{'const':1},"
                        + " 'minItems':2}|[null,1] [null,1,1]|[null] [1,1]",
                "{'allOf':[{'required':['a']},{'type':'object','properties':{'a':{'minimum':3}}}],"
                        + "'properties':{'a':{'type':'integer'}}}|{'a':3}|{'a':2} {} {'a':3.5}",
                "{'oneOf':[{'type':'object','properties':{'t':{'const':1}},'required':['t']},"
                        + "{'type':'null'}]}|{'t':1} null|{'t':2} {}",
                "{'$defs':{'n':{'type':'array','items':{'$ref':'#/$defs/n'}}},'$ref':'#/$defs/n'}"
                        + "|[] [[],[[]]]|[1] [",
            })
    void texts(String schema, String taken, String refused) {
        Constraint constraint = schema(schema);
        for (String text : taken.split(" ")) {
            assertTrue(takes(constraint, text), text);
        }
        for (String text : refused.split(" ")) {
            assertFalse(takes(constraint, text), text);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'properties':{'a':{'not':{}}}}|not at #/properties/a",
                "{'type':'string','format':'iri'}|format at # is \"iri\"",
                "{'pattern':'(?=x)'}|pattern at #",
                "{'$ref':'other.json'}|$ref at # is other.json",
                "{'minLength':-1}|minLength at # is -1",
                "{'type':'strin'}|type at #",
                "{'type':'integer','minimum':2,'maximum':1}|no value",
                "{'properties':{'a':{'enum':[]}},'required':['a'],'type':'object'}|#/properties/a",
                "{'$ref':'#'}|no value",
                "{'type':'object','properties':{'a':{'$ref':'#'}},'required':['a']}|no value",
                "{'oneOf':[{'type':'integer'},{'minimum':2}]}|oneOf at #",
                "{'type':'object','patternProperties':{'^[ab]$':{}},'additionalProperties':false}"
                        + "|patternProperties at #",
            })
    void refused(String schema, String told) {
        String message = assertThrows(ConfigException.class, () -> schema(schema)).getMessage();
        assertTrue(message.contains(told), message);
    }

    /// Whatever is taken lies between the bounds, and so do the usual forms of what isn't.
    @Test
    void numbersBetweenBounds() {
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(3L);
        for (int round = 0; round < 40; round++) {
            Optional<Bound> low = bound(random);
            Optional<Bound> high = bound(random);
            var grammar = new Grammar();
            Expr whole = new NumberRange(grammar).integers(low, high);
            Expr any = new NumberRange(grammar).decimals(low, high);
            Automaton automaton =
                    Automaton.of(grammar, grammar.anyOf(List.of(whole, any, grammar.empty)))
                            .orElseThrow();
            for (int i = 0; i < 400; i++) {
                var number = BigDecimal.valueOf(random.nextInt(-12_000, 12_000), random.nextInt(4));
                boolean fits = isAbove(number, low, 1) && isAbove(number, high, -1);
                String text = number.toPlainString();
                assertTrue(fits || !automaton.takes(any, text), () -> low + text + high);
                boolean written = automaton.takes(whole, text);
                boolean isInteger = number.scale() <= 0;
                assertEquals(fits && isInteger, written, () -> low + text + high);
                assertTrue(
                        !isInteger || !fits || automaton.takes(any, text), () -> low + text + high);
            }
        }
    }

    private static Optional<Bound> bound(UniformRandomProvider random) {
        var value = BigDecimal.valueOf(random.nextInt(-3000, 3000), random.nextInt(3));
        return random.nextInt(4) == 0
                ? Optional.empty()
                : Optional.of(new Bound(value, random.nextBoolean()));
    }

    private static boolean isAbove(BigDecimal number, Optional<Bound> bound, int sign) {
        int order = bound.map(b -> sign * number.subtract(b.value()).signum()).orElse(1);
        return order > 0 || order == 0 && !bound.get().open();
    }

    /// Any key may come in an open object, but once, however it is spelled.
    @Test
    void keysComeOnce() {
        List<String> tokens =
                List.of("{", "\"a", "\"", "\":", "1", ",", "}", "\\u0061", "b", "\"ab\":");
        byte[][] bytes =
                tokens.stream().map(t -> t.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
        TokenConstraint turn =
                schema("{'type':'object','properties':{'z':{}}}")
                        .on(new TokenTrie(bytes, Set.of(99)))
                        .get();
        for (String token : List.of("{", "\"a", "b", "\":", "1", ",")) {
            assertTrue(turn.allowed().orElseThrow().get(tokens.indexOf(token)), token);
            turn.appended(tokens.indexOf(token), false);
        }
        assertEquals(List.of("\"a", "\"", "\":"), allowed(turn, tokens)); // not "ab":
        turn.appended(tokens.indexOf("\""), false);
        turn.appended(tokens.indexOf("\\u0061"), false);
        turn.appended(tokens.indexOf("b"), false);
        assertFalse(allowed(turn, tokens).contains("\":"));
        turn.appended(tokens.indexOf("b"), false);
        assertTrue(allowed(turn, tokens).contains("\":"));
    }

    private static List<String> allowed(TokenConstraint turn, List<String> tokens) {
        return IntStream.range(0, tokens.size())
                .filter(turn.allowed().orElseThrow()::get)
                .mapToObj(tokens::get)
                .toList();
    }
}
