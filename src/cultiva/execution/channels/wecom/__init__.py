"""WeCom (企业微信): how does an employee's message reach customers whose chat is the employee's?"""
