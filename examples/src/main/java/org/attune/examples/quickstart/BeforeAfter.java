package org.attune.examples.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.files.HubCache;
import org.attune.model.Decoder;
import org.attune.model.Decoding;
import org.attune.model.FusedLinear.Adapter;
import org.attune.policy.Policy;
import org.attune.rollout.Completer;
import org.attune.rollout.SamplingOptions;
import org.attune.tensor.Engine;
import org.attune.text.ChatTemplate;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.trainers.config.ModelConfig;
import org.attune.trainers.setup.ModelSetup;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Asks the quickstart's model the held-out puzzles, before DPO (adapter off) and after it (adapter
/// on), and prints how often it is right and how often it makes the typical mistake.
public final class BeforeAfter {
    private static final int MAX_ANSWER = 16;
    private static final int MAX_TOKENS = 64;
    private static final int SHOWN = 6;

    private BeforeAfter() {}

    /// A held-out puzzle with the answers that the model gave.
    ///
    /// @param prompt the puzzle
    /// @param right what is right
    /// @param mistake the typical mistake
    /// @param before the answer without the adapter
    /// @param after the answer with the adapter
    record Asked(String prompt, String right, String mistake, String before, String after) {}

    /// Prints the comparison.
    ///
    /// @param args the quickstart's folder
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args.length == 0 ? "quickstart" : args[0]);
        List<JsonNode> pairs = read(folder.resolve("pairs-heldout.jsonl"));
        List<Asked> asked = Engine.call(() -> ask(folder, pairs));
        print(asked, System.out);
    }

    private static List<JsonNode> read(Path file) throws IOException {
        var json = new ObjectMapper();
        var rows = new ArrayList<JsonNode>();
        for (String line : Files.readAllLines(file)) {
            rows.add(json.readTree(line));
        }
        return rows;
    }

    private static List<Asked> ask(Path folder, List<JsonNode> pairs) {
        ModelConfig config =
                ModelConfig.of(folder.resolve("sft").toString())
                        .withAdapterNameOrPath(folder.resolve("dpo").toString());
        try (ModelSetup setup = ModelSetup.open(config, HubCache.ofEnvironment());
                Decoder decoder = setup.loadDecoder();
                var _ =
                        Policy.withAdapter(
                                decoder, setup.adapter().orElseThrow(), Policy.Options.defaults());
                var off = new Decoding(decoder, Adapter.OFF, MAX_TOKENS);
                var on = new Decoding(decoder, Adapter.TRAINED, MAX_TOKENS)) {
            var asked = new ArrayList<Asked>();
            for (JsonNode pair : pairs) {
                String prompt = content(pair, "prompt");
                asked.add(
                        new Asked(
                                prompt,
                                content(pair, "chosen"),
                                content(pair, "rejected"),
                                answer(setup.text(), off, prompt),
                                answer(setup.text(), on, prompt)));
            }
            return asked;
        }
    }

    private static String content(JsonNode row, String column) {
        return row.path(column).path(0).path("content").asText();
    }

    private static String answer(TextAssets text, Decoding decoding, String prompt) {
        var conversation = Conversation.of(List.of(Message.of("user", prompt)));
        int[] ids = text.chat().encode(conversation, ChatTemplate.Tail.GENERATION_PROMPT).ids();
        var completer = new Completer(decoding, Set.of(text.tokenizer().eosId().orElseThrow()));
        int[] answer =
                completer.complete(ids, SamplingOptions.greedy(MAX_ANSWER), _ -> true).tokens();
        return text.tokenizer().decode(answer, true);
    }

    private static void print(List<Asked> asked, PrintStream out) {
        out.printf("%nheld-out puzzles, greedy answers      before DPO   after DPO%n");
        out.printf(
                "  right                        %10d of %d  %5d of %d%n",
                asked.stream().filter(a -> a.before().equals(a.right())).count(),
                asked.size(),
                asked.stream().filter(a -> a.after().equals(a.right())).count(),
                asked.size());
        out.printf(
                "  the typical mistake          %10d of %d  %5d of %d%n%n",
                asked.stream().filter(a -> a.before().equals(a.mistake())).count(),
                asked.size(),
                asked.stream().filter(a -> a.after().equals(a.mistake())).count(),
                asked.size());
        out.printf("  %-16s %-10s %-10s %s%n", "prompt", "right", "before", "after");
        asked.stream()
                .limit(SHOWN)
                .forEach(
                        a ->
                                out.printf(
                                        "  %-16s %-10s %-10s %s%n",
                                        a.prompt(), a.right(), a.before(), a.after()));
    }
}
