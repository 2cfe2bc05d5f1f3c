package org.attune.error;

/// A GPU is full: it has no memory for another tensor.
public final class DeviceMemoryException extends AttuneException {
    /// What makes a run smaller, by what it does.
    private static final String REMEDY =
            "Compute less at once: lower tokens_per_micro_batch or max_length; where tokens are"
                    + " generated, generation_slots or max_completion_length; leave"
                    + " gradient_checkpointing true. Or end other programs on that GPU, or take"
                    + " another by device: cuda:N";

    /// @param device that is full
    /// @param state what it holds
    public DeviceMemoryException(String device, String state) {
        super("%s has no memory for more: %s. %s".formatted(device, state, REMEDY));
    }
}
