package org.attune.examples.agents;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.examples.learning.RewardCurves;
import org.attune.examples.learning.RewardCurves.Curve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// Draws how agents got on in their held-out episodes, a line for each run:
/// `./attune example agents.AgentCurves FILE.png RUN…`. A run whose folder's name contains
/// `control` is drawn as one.
public final class AgentCurves {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// The reward of the task, not the control's `Coin`.
    private static final Pattern REWARD = Pattern.compile("eval_rewards/[a-z_]+/mean");

    private AgentCurves() {}

    /// Writes the picture.
    ///
    /// @param args the picture, then folders of runs
    public static void main(String[] args) throws IOException {
        if (args.length < 2) {
            throw new IllegalArgumentException("needed: a file to write, and folders of runs");
        }
        List<Curve> curves = new ArrayList<>();
        for (int i = 1; i < args.length; i++) {
            Path run = Path.of(args[i]);
            String name = run.getFileName().toString();
            curves.add(new Curve(name, rewards(run), name.contains("control")));
        }
        RewardCurves.draw(curves, Path.of(args[0]));
    }

    private static Map<Integer, Double> rewards(Path run) throws IOException {
        var rewards = new TreeMap<Integer, Double>();
        for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            JsonNode metrics = JSON.readTree(line);
            metrics.propertyStream()
                    .filter(field -> REWARD.matcher(field.getKey()).matches())
                    .findFirst()
                    .ifPresent(
                            field ->
                                    rewards.put(
                                            metrics.get("step").asInt(),
                                            field.getValue().asDouble()));
        }
        return rewards;
    }
}
