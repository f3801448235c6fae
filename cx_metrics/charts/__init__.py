"""Charts: a small finished frame in, a figure out. A chart counts nothing and knows no Streamlit."""
