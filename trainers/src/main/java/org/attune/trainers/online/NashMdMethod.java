package org.attune.trainers.online;

import org.attune.trainers.opening.FirstRun;

/// The method `nash_md`, as the command line and the front door know it.
public record NashMdMethod() implements OnlineMethod<NashMdConfig> {
    @Override
    public String name() {
        return "nash_md";
    }

    @Override
    public String summary() {
        return "Learn to be preferred to a mixture with the reference: Nash-MD.";
    }

    @Override
    public NashMdConfig defaults() {
        return NashMdConfig.defaults();
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
                "mixture_coef",
                "0.5",
                "missing_eos_penalty",
                "1.0");
    }
}
