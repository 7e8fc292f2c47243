"""A pipeline finds its tables in another distribution, by an entry point, and uses them."""

import spacy
from spacy.util import registry

pipeline = spacy.blank("en")
pipeline.add_pipe("lemmatizer", config={"mode": "lookup"})
pipeline.initialize()
print([token.lemma_ for token in pipeline("the mice were running home")])
print(len(registry.lookups.get_all()), len(spacy.util.get_lang_class("de").Defaults.stop_words))
