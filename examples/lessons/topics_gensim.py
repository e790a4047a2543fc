"""Topics and similarity of documents with gensim: not a Keras program, run as it is."""

from gensim import corpora, models, similarities

documents = [
    "the cat and the dog sleep in the sun",
    "a dog runs after a cat in the garden",
    "cats sleep and dogs sleep and the garden is quiet",
    "a cat sits in the garden in the sun",
    "the network learns from a loss and its gradient",
    "a gradient of the loss trains the weights of a network",
    "deep networks have many weights and one loss",
    "the weights of the network follow the gradient",
]
common = set("a after and from have in is its of one the".split())
texts = [[word for word in document.split() if word not in common] for document in documents]
dictionary = corpora.Dictionary(texts)
corpus = [dictionary.doc2bow(text) for text in texts]

tfidf = models.TfidfModel(corpus)
lsi = models.LsiModel(tfidf[corpus], id2word=dictionary, num_topics=3)
index = similarities.MatrixSimilarity(lsi[tfidf[corpus]])

asked = "what a dog does in the sun"
query = lsi[tfidf[dictionary.doc2bow(asked.split())]]
print("most like %r:" % asked)
for number, likeness in sorted(enumerate(index[query]), key=lambda pair: -pair[1])[:4]:
    print("%.2f  %s" % (likeness, documents[number]))
