package org.attune.rollout.constraint;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;

import java.util.List;

/// Texts of grammars, by hand.
final class GrammarTest {
    private static void check(Constraint constraint, List<String> taken, List<String> refused) {
        Automaton automaton = constraint.automaton();
        for (String text : taken) {
            assertTrue(automaton.takes(automaton.start(), text), text);
        }
        for (String text : refused) {
            assertFalse(automaton.takes(automaton.start(), text), text);
        }
    }

    @Test
    void gbnf() {
        String sums =
                """
                # sums in parentheses
                root ::= root "+" term | term
                term ::= [0-9]{1,3}
                  | "(" root ")"
                """;
        check(Constraint.gbnf(sums), List.of("1+(2+30)", "((7))"), List.of("1+", "1000", "(1"));
        check(
                Constraint.gbnf("root ::= \"a\" root \"a\" | [^\\n\"]+ \"\\x41\\u00e9\" | ."),
                List.of("aaxAéaa", "é", "a"),
                List.of("xAe", "\n", "ax"));
    }

    @Test
    void lark() {
        String rules =
                """
                // a list of names and numbers
                start: "["i item ("," item)* "]" -> list
                ?item: NAME | NUMBER~2..3 | "p".."r" "!"
                NAME.2: /x[a-z]*/i
                NUMBER: ("0".."9")+
                %ignore / +/
                """;
        check(
                Constraint.lark(rules),
                List.of("[xab]", "[ Xy , 12 3 4 ,q!]"),
                List.of(" [x]", "[x] ", "[1]", "[x y]", "[s!]"));
        check(
                Constraint.lark(
                        "start: \"v=\" %json {\"type\": \"object\", \"properties\": {\"a\":"
                                + " {\"type\": \"null\"}}, \"additionalProperties\": false,"
                                + " \"maxProperties\": 0} \"!\""),
                List.of("v={}!"),
                List.of("v={}", "v={\"a\":1}!"));
    }

    @Test
    void refused() {
        told("root ::= \"a\n", "line 1", false);
        told("root ::= x", "rule x is called", false);
        told("root ::= \"a\"\nroot ::= \"b\"", "line 2: rule root is defined twice", false);
        told("a ::= \"a\"", "no rule is called root", false);
        told("root ::= \"a\" root", "no text fits", false);
        told("root ::= \"a\"{3,1}", "repetition", false);
        told("start: \"a\"\n%import common.WS", "line 2", true);
        told("start: /a(?=b)/", "line 1", true);
        told("start: a\na: b \"x\" | \"y\"\nb: a \"z\"", "rule a calls itself", true);
        told("start: %json {\"type\": \"object\"}", "additionalProperties: false", true);
    }

    private static void told(String rules, String expected, boolean lark) {
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> {
                                    Constraint ignored =
                                            lark ? Constraint.lark(rules) : Constraint.gbnf(rules);
                                })
                        .getMessage();
        assertTrue(message.contains(expected), message);
    }
}
