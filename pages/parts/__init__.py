"""What pages share. The only room that touches st.session_state, st.query_params and st.cache_*."""
