package org.attune.optim;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.policy.ParameterSpace.Parameter;

import java.util.List;

/// Settings of the parameters by their names.
///
/// @param weightDecay of parameters that decay and stand in no group with its own
/// @param groups a parameter is in the first that matches it
@Api(EXPERIMENTAL)
public record ParameterGroups(double weightDecay, List<ParameterGroup> groups) {
    public ParameterGroups {
        if (!(weightDecay >= 0 && Double.isFinite(weightDecay))) {
            throw new IllegalArgumentException("weight_decay must be >= 0, got " + weightDecay);
        }
        groups = List.copyOf(groups);
    }

    /// One group for all parameters, but for biases and norms, which don't decay.
    public static ParameterGroups of(double weightDecay) {
        return new ParameterGroups(weightDecay, List.of());
    }

    /// What holds for a parameter.
    ParameterSetting of(Parameter parameter) {
        double usual = parameter.decays() ? weightDecay : 0;
        return groups.stream()
                .filter(group -> group.matches(parameter))
                .findFirst()
                .map(
                        group ->
                                new ParameterSetting(
                                        group.weightDecay().orElse(usual),
                                        group.rateFactor().orElse(1)))
                .orElse(new ParameterSetting(usual, 1));
    }

    /// Refuses a group that is for nothing.
    ///
    /// @throws ConfigException if a group is for none of these parameters
    public void requireUsed(List<Parameter> parameters) {
        for (ParameterGroup group : groups) {
            if (group.required() && parameters.stream().noneMatch(group::matches)) {
                throw new ConfigException(
                        ("param_groups: \"%s\" matches none of the %d parameters that are"
                                        + " trained, such as %s; correct it or leave it out")
                                .formatted(
                                        group.name(),
                                        parameters.size(),
                                        parameters.getFirst().name()));
            }
        }
    }
}
