package org.attune.examples.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.files.HubCache;
import org.attune.model.Decoder;
import org.attune.model.FusedLinear.Adapter;
import org.attune.policy.Policy;
import org.attune.rollout.Generator;
import org.attune.rollout.SamplingConfig;
import org.attune.rollout.TextCompleter;
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
                                decoder,
                                setup.adapter().orElseThrow(),
                                Policy.Options.defaults())) {
            List<String> before = answers(decoder, Adapter.OFF, setup.text(), pairs);
            List<String> after = answers(decoder, Adapter.TRAINED, setup.text(), pairs);
            var asked = new ArrayList<Asked>();
            for (int i = 0; i < pairs.size(); i++) {
                JsonNode pair = pairs.get(i);
                asked.add(
                        new Asked(
                                content(pair, "prompt"),
                                content(pair, "chosen"),
                                content(pair, "rejected"),
                                before.get(i),
                                after.get(i)));
            }
            return asked;
        }
    }

    private static String content(JsonNode row, String column) {
        return row.path(column).path(0).path("content").asText();
    }

    private static List<String> answers(
            Decoder decoder, Adapter adapter, TextAssets text, List<JsonNode> pairs) {
        var prompts = new ArrayList<int[]>();
        for (JsonNode pair : pairs) {
            var conversation =
                    Conversation.of(List.of(Message.of("user", content(pair, "prompt"))));
            prompts.add(
                    text.chat().encode(conversation, ChatTemplate.Tail.GENERATION_PROMPT).ids());
        }
        var generator = Generator.of(decoder, adapter, text.tokenizer());
        var config =
                SamplingConfig.greedy(MAX_ANSWER, Set.of(text.tokenizer().eosId().orElseThrow()));
        return new TextCompleter(generator, text.tokenizer())
                .complete(prompts, config).stream().map(c -> c.text()).toList();
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
