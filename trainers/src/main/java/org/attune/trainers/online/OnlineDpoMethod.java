package org.attune.trainers.online;

import org.attune.trainers.opening.FirstRun;

/// The method `online_dpo`, as the command line and the front door know it.
public record OnlineDpoMethod() implements OnlineMethod<OnlineDpoConfig> {
    @Override
    public String name() {
        return "online_dpo";
    }

    @Override
    public String summary() {
        return "Learn from judged pairs of own answers: online DPO.";
    }

    @Override
    public OnlineDpoConfig defaults() {
        return OnlineDpoConfig.defaults();
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, and the columns that rewards read",
                "max_new_tokens",
                "128",
                "temperature",
                "0.9",
                "beta",
                "0.1",
                "missing_eos_penalty",
                "1.0");
    }
}
