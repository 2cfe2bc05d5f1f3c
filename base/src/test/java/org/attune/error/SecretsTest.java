package org.attune.error;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Map;

class SecretsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '§',
            value = {
                "wss://me:pw@host:1/v1 fails | wss://***@host:1/v1 fails",
                "ws://token@host and ws://a:b@c/d | ws://***@host and ws://***@c/d",
                "wss://host/mcp?tavilyApiKey=abc&n=3 | wss://host/mcp?tavilyApiKey=***&n=3",
                "tools=[{url: x, api_key: abc}] | tools=[{url: x, api_key: ***}]",
                "{\"api_key\": \"abc\", \"n\": 1} | {\"api_key\": \"***\", \"n\": 1}",
                "Authorization: Bearer abc | Authorization: Bearer ***",
                "argument hub_token=hf_abc: unknown | argument hub_token=***: unknown",
                "X-Api-Key: abc, Accept: b | X-Api-Key: ***, Accept: b",
                "env={MY_TOKEN: abc} | env={MY_TOKEN: ***}",
                "push_to_hub_token='abc' | push_to_hub_token='***'",
            })
    void whatStandsUnderItsNameIsHidden(String text, String expected) {
        assertEquals(expected, Secrets.masked(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pad_token: <pad>, eos_token=</s>, num_tokens: 5, max_tokens=7, stop_token_ids:"
                        + " [1]",
                "token: 5 of the key: value, secretary: no",
                "api_key_env: JUDGE_KEY",
                "api_key: $KEY, Authorization: \"Bearer $TOKEN\", env: {TOKEN: ${TOKEN}}",
                "api_key: null",
                "user@host.org sees wss://host/a@b?page=2#key",
                "set HF_TOKEN to one that may write",
            })
    void otherTextsStayAsTheyAre(String text) {
        assertEquals(text, Secrets.masked(text));
        assertEquals(Map.of("text", text), Secrets.without(Map.of("text", text)));
    }

    private static final Map<String, Object> CONFIG =
            Map.of(
                    "tools",
                    List.of(
                            Map.of("url", "wss://u:p@h/?key=a", "api_key", "short"),
                            Map.of("headers", Map.of("Authorization", "Bearer $TOKEN")),
                            Map.of("env", Map.of("MY_KEY", "a b", "DEBUG", "1"), "per", "run"),
                            Map.of("token", 5, "pad_token", "<pad>", "max_tokens", "7")));

    @Test
    void configurationsHaveMasksInTheirPlaces() {
        assertEquals(
                Map.of(
                        "tools",
                        List.of(
                                Map.of("url", "wss://***@h/?key=***", "api_key", "***"),
                                Map.of("headers", Map.of("Authorization", "Bearer $TOKEN")),
                                Map.of("env", Map.of("MY_KEY", "***", "DEBUG", "1"), "per", "run"),
                                Map.of("token", 5, "pad_token", "<pad>", "max_tokens", "7"))),
                Secrets.without(CONFIG));
    }

    @Test
    void maskedConfigurationsAreRecognised() {
        assertTrue(Secrets.isMasked(Secrets.without(CONFIG)));
        assertTrue(Secrets.isMasked(Map.of("url", "ws://***@host")));
        assertTrue(Secrets.isMasked(List.of("ws://host?api_key=***")));
        assertFalse(Secrets.isMasked(CONFIG));
        assertFalse(Secrets.isMasked(Map.of("stop", "***", "pattern", "(=***)")));
    }

    @Test
    void whatWasLearnedIsHiddenEverywhere() {
        String said = "canary-1234-longer, canary-1234, canary-5678 and short are wrong";
        assertEquals(said, Secrets.masked(said));
        Secrets.learnFrom(Map.of("tools", List.of(Map.of("api_key", "canary-1234"))));
        Secrets.learnFrom("ws://u:canary-5678@host");
        Secrets.learn("Bearer canary-1234-longer");
        Secrets.learn("short");
        assertEquals("***, ***, *** and short are wrong", Secrets.masked(said));
    }
}
