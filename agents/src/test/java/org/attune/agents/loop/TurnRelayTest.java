package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.gateway.ModelRequest;
import org.attune.agents.gateway.PendingReply;
import org.attune.agents.gateway.Pieces;
import org.attune.text.ChatTokenizer;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.text.parse.TurnEvent;
import org.attune.text.parse.family.Families;
import org.attune.text.parse.turn.FormatParser;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// What a program gets of a turn, token by token. Each character is one.
final class TurnRelayTest {
    private static final ChatTokenizer CHAT =
            new ChatTokenizer(
                    new CharTokens(), JinjaChatTemplate.compile("none", "", SpecialTokens.none()));

    private static final EpisodeFormat FORMAT =
            new EpisodeFormat(
                    CHAT,
                    Map.of(),
                    new TemplateCodec(CHAT, Map.of(), Set.of(CharTokens.END)),
                    new FormatParser(Families.TOOL_CALL.format(Set.of("§"), List.of())),
                    AnswerForm.PLAIN);

    /// What each token of a turn, and its end, let through.
    private static List<List<TurnEvent>> relayed(
            boolean isStream, Optional<String> text, List<String> stops, String turn)
            throws InterruptedException {
        var reply = new PendingReply();
        var request =
                new ModelRequest(
                        List.of(Message.of("user", "hi")),
                        List.of(),
                        text,
                        OptionalInt.empty(),
                        new ModelRequest.ReplyForm(isStream, false));
        var relay = new TurnRelay(request, reply, FORMAT, "", stops, 3);
        List<List<TurnEvent>> events = new ArrayList<>();
        for (char token : turn.toCharArray()) {
            relay.sampled(token);
            events.add(Pieces.take(reply));
        }
        relay.finish();
        events.add(Pieces.take(reply));
        assertFalse(relay.isGone());
        return events;
    }

    private static List<String> contents(List<List<TurnEvent>> events) {
        return events.stream()
                .map(
                        some -> {
                            var text = new StringBuilder();
                            for (TurnEvent event : some) {
                                text.append(
                                        assertInstanceOf(TurnEvent.Content.class, event).text());
                            }
                            return text.toString();
                        })
                .toList();
    }

    @Test
    void textComesTokenByToken() throws Exception {
        assertEquals(
                List.of("a", "b", "", " c", "", ""),
                contents(relayed(true, Optional.empty(), List.of(), "ab c§")));
        assertEquals(
                List.of("a", " ", "", "b"),
                contents(relayed(true, Optional.of("text"), List.of("bc"), "a b")));
        assertTrue(
                relayed(false, Optional.empty(), List.of(), "abc").stream()
                        .allMatch(List::isEmpty));
    }

    @Test
    void noPartOfAStopStringIsSent() throws Exception {
        assertEquals(
                List.of("x", "", "", "EN.", "", "", "", "END"),
                contents(relayed(true, Optional.empty(), List.of("END", "zzz"), "xEN.END")));
        assertEquals(
                List.of("x", "", "E", "", "", "END"),
                contents(relayed(true, Optional.of("text"), List.of("END"), "xEEND")));
    }

    @Test
    void aCallIsSentOnceItIsRead() throws Exception {
        String call = "<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1}}</tool_call>";
        List<List<TurnEvent>> events =
                relayed(true, Optional.empty(), List.of(), "ok" + call + call + "§");
        assertEquals(List.of(new TurnEvent.Content("o")), events.get(0));
        List<TurnEvent> later =
                events.subList(2, events.size()).stream().flatMap(List::stream).toList();
        assertEquals(2, later.size(), later.toString());
        for (int i = 0; i < 2; i++) {
            var sent = assertInstanceOf(TurnEvent.Call.class, later.get(i)).call();
            assertEquals(Optional.of("call_3_" + i), sent.id());
            assertEquals(Map.of("a", 1L), sent.arguments());
        }
        int first = 2 + call.length() - 1;
        assertTrue(events.subList(2, first).stream().allMatch(List::isEmpty), "before its end");
        assertEquals(1, events.get(first).size());
    }
}
