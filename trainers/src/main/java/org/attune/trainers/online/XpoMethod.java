package org.attune.trainers.online;

import org.attune.trainers.opening.FirstRun;

/// The method `xpo`, as the command line and the front door know it.
public record XpoMethod() implements OnlineMethod<XpoConfig> {
    @Override
    public String name() {
        return "xpo";
    }

    @Override
    public String summary() {
        return "Learn from pairs of own answers and the reference's: XPO.";
    }

    @Override
    public XpoConfig defaults() {
        return XpoConfig.defaults();
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
                "alpha",
                "1e-5",
                "missing_eos_penalty",
                "1.0");
    }
}
