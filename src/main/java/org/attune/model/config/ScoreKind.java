package org.attune.model.config;

/// What the score head of a classification model judges. transformers tells the two apart by the
/// end of the model's class name, PEFT by its adapters' `task_type`.
public enum ScoreKind {
    /// A whole sequence, at its last token; the head has no bias.
    SEQUENCE("ForSequenceClassification", "SEQ_CLS", false),
    /// Any token, as process reward models do at the ends of steps; the head has a bias.
    TOKEN("ForTokenClassification", "TOKEN_CLS", true);

    private final String classSuffix;
    private final String taskType;
    private final boolean hasBias;

    ScoreKind(String classSuffix, String taskType, boolean hasBias) {
        this.classSuffix = classSuffix;
        this.taskType = taskType;
        this.hasBias = hasBias;
    }

    /// End of the class names that transformers gives such models.
    public String classSuffix() {
        return classSuffix;
    }

    /// PEFT's `task_type` of adapters on such models.
    public String taskType() {
        return taskType;
    }

    public boolean hasBias() {
        return hasBias;
    }
}
