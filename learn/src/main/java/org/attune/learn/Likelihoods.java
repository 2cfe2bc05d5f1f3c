package org.attune.learn;

import org.attune.adapter.AdapterFolder;
import org.attune.hub.HubDownload;
import org.attune.model.layer.Adapter;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.policy.FrozenAdapter;
import org.attune.rollout.generation.PromptLogProbs;
import org.attune.tensor.Engine;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.OpenAiMessage;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// How likely two adapters on one model find answers: natural logarithms, means over an answer's
/// tokens, so that long answers count as much as short ones. Owns the model.
final class Likelihoods implements AutoCloseable {
    private final LoadedModel model;
    private final ChatTokenizer chat;
    private final int longest;
    private final List<FrozenAdapter> attached = new ArrayList<>();
    private final Adapter first;
    private final Adapter second;
    private final Map<List<Object>, Double> known = new HashMap<>();

    /// @param config of the base model alone
    /// @param first folder or hub name of an adapter; empty: none
    Likelihoods(ModelConfig config, String first, String second) {
        model = LoadedModel.open(config);
        try {
            chat = model.setup().text().chat();
            longest = model.setup().source().config().maxPositionEmbeddings();
            this.first = attach(first);
            this.second = attach(second);
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private Adapter attach(String place) {
        if (place.isEmpty()) {
            return Adapter.OFF;
        }
        try (var folder = AdapterFolder.open(place, HubDownload.cache())) {
            FrozenAdapter adapter =
                    Engine.call(
                            () -> FrozenAdapter.attach(model.decoder(), folder, attached.size()));
            attached.add(adapter);
            return adapter.name();
        }
    }

    /// By how much likelier the second finds an answer than the first; empty if it is too long.
    Optional<Double> gain(LearnedItem item, Map<String, Object> answer) {
        List<Object> key = List.of(item.messages(), item.tools(), answer);
        if (!known.containsKey(key)) {
            known.put(key, measured(item, answer));
        }
        return Optional.of(known.get(key)).filter(Double::isFinite);
    }

    private double measured(LearnedItem item, Map<String, Object> answer) {
        List<Message> messages = new ArrayList<>();
        item.messages().forEach(m -> messages.add(OpenAiMessage.read(m)));
        int[] prompt = ids(messages, item.tools(), Tail.GENERATION_PROMPT);
        messages.add(OpenAiMessage.read(answer));
        int[] whole = ids(messages, item.tools(), Tail.NOTHING);
        int start = Arrays.mismatch(prompt, whole);
        if (whole.length > longest || start < 1 || start >= whole.length) {
            return Double.NaN;
        }
        return mean(whole, start, second) - mean(whole, start, first);
    }

    private int[] ids(List<Message> messages, List<Object> tools, Tail tail) {
        return chat.encode(new Conversation(messages, tools, Map.of()), tail).ids();
    }

    private double mean(int[] ids, int start, Adapter adapter) {
        float[] values = PromptLogProbs.of(model.decoder(), adapter, ids, 0).values();
        double sum = 0;
        for (int i = start - 1; i < values.length; i++) {
            sum += values[i];
        }
        return sum / (values.length - start + 1);
    }

    @Override
    public void close() {
        Engine.run(() -> attached.forEach(FrozenAdapter::close));
        model.close();
    }
}
