package org.attune.cli.command;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.Secrets;
import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

class SecretWordsTest {
    @Test
    void wordsWithSecretsGoByTheEnvironment() {
        List<String> words =
                List.of(
                        "/bin/attune",
                        "grpo",
                        "run.yaml",
                        "hub_token=hf_canary1",
                        "--hub_token",
                        "hf_canary2",
                        "--seed",
                        "7",
                        "reward_funcs=[{judge: {model: m, api_key: canary3}}]");
        Map<String, String> environment = new HashMap<>(Map.of("PATH", "/bin"));
        List<String> hidden = SecretWords.hidden(words, environment);
        assertFalse(String.join(" ", hidden).contains("canary"), hidden.toString());
        assertEquals(List.of("/bin/attune", "grpo", "run.yaml"), hidden.subList(0, 3));
        assertEquals(List.of("--seed", "7"), hidden.subList(6, 8));
        assertEquals(4, environment.size());
        assertTrue(Secrets.isSecretVariable(hidden.get(3).substring(1)));
        assertArrayEquals(
                words.toArray(), SecretWords.shown(hidden.toArray(String[]::new), environment));
    }
}
