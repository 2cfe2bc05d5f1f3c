package org.attune.examples;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.error.DatasetException;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Conversational rows as token ids, for the minimal examples.
final class Rows {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Rows() {}

    static JsonNode json(String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new DatasetException("not JSON: " + line, e);
        }
    }

    /// Ids of a row's messages in `prompt`, up to where the model answers.
    static int[] prompt(JsonNode row, ChatTokenizer chat) {
        return chat.encode(Conversation.of(messages(row, "prompt")), Tail.GENERATION_PROMPT).ids();
    }

    /// Ids of an answer behind a prompt of so many tokens.
    static int[] answer(JsonNode row, String column, int promptLength, ChatTokenizer chat) {
        List<Message> all = new ArrayList<>(messages(row, "prompt"));
        all.addAll(messages(row, column));
        int[] ids = chat.encode(Conversation.of(all), Tail.NOTHING).ids();
        return Arrays.copyOfRange(ids, promptLength, ids.length);
    }

    private static List<Message> messages(JsonNode row, String column) {
        List<Map<String, Object>> fields =
                JSON.convertValue(row.required(column), new TypeReference<>() {});
        return fields.stream().map(Message::new).toList();
    }
}
